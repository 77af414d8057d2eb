/*
 * vfork.c - vfork() that tells the allocator about the child.
 *
 * Until it runs another program or exits, the child of vfork() shares the
 * memory and the thread block of its parent, which sleeps meanwhile.  The
 * kernel has unregistered the child's restartable sequences but the index in
 * the shared block stays, so an allocation of the child would run unprotected
 * on some CPU's objects.  We therefore say when such a child comes to life,
 * and say again when the parent goes on.
 *
 * The child returns through our frame and writes over the stack from there
 * down.  So:
 *   V1. at the system call nothing of ours is on the stack: the return
 *       address is in a register, which the kernel keeps for each of the two;
 *   V2. the parent writes before it reads: what it needs of the stack it
 *       pushes after the system call, when the child is gone.
 *
 * On x86-64 with a shadow stack, the child shares that as well: its calls
 * replace our return address there, and a `ret` of the parent would fault.
 * So both step over that entry and jump instead.  `rdssp` leaves its operand
 * zero where there is no shadow stack, as on all older CPUs.
 *
 * Only glibc's vfork() itself is replaced: posix_spawn(), system() and
 * popen() make their child inside libc, and that child does not allocate.
 * Other architectures keep libc's vfork().
 *
 * This file is the one place outside src/sys/ with a system call in it, since
 * no C frame may be around it.
 */
#include <errno.h>

#include "lib/compiler.h"

/*
 * From src/api/fork.c.  Before the system call; the child's, before it returns;
 * the parent's.
 */
void vfork_prepare(void);
void vfork_child_enter(void);
void vfork_parent_resume(void);

long vfork_error(long ret);

/* What the system call returned, in libc's manner. */
__attribute__((used)) long vfork_error(long ret)
{
	vfork_parent_resume();	/* nobody has entered */
	errno = (int)-ret;
	return -1;
}

/* clang-format off */
#if defined(__x86_64__)
__asm__(".pushsection .text.vfork,\"ax\",%progbits\n"
	"	.balign	16\n"
	"	.globl	vfork\n"
	"	.type	vfork, @function\n"
	"	.hidden	vfork_prepare\n"
	"	.hidden	vfork_child_enter, vfork_parent_resume, vfork_error\n"
	"vfork:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	sub	$8, %rsp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	call	vfork_prepare\n"
	"	add	$8, %rsp\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop	%rdi\n"			/* V1 */
	"	.cfi_adjust_cfa_offset -8\n"
	"	.cfi_register %rip, %rdi\n"
	"	mov	$58, %eax\n"		/* SYS_vfork */
	"	syscall\n"
	"	push	%rdi\n"			/* V2 */
	"	.cfi_adjust_cfa_offset 8\n"
	"	.cfi_rel_offset %rip, 0\n"
	"	cmp	$-4095, %rax\n"
	"	jae	2f\n"
	"	push	%rax\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	test	%eax, %eax\n"
	"	jnz	0f\n"
	"	call	vfork_child_enter\n"
	"	jmp	1f\n"
	"0:	call	vfork_parent_resume\n"
	"1:	pop	%rax\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	xor	%ecx, %ecx\n"
	"	rdsspq	%rcx\n"
	"	test	%rcx, %rcx\n"
	"	jnz	3f\n"
	"	ret\n"
	"2:	mov	%rax, %rdi\n"
	"	jmp	vfork_error\n"
	"3:	pop	%rdx\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	.cfi_register %rip, %rdx\n"
	"	mov	$1, %ecx\n"
	"	incsspq	%rcx\n"
	"	jmp	*%rdx\n"
	"	.cfi_endproc\n"
	"	.size	vfork, . - vfork\n"
	"	.popsection\n");
#elif defined(__aarch64__)
__asm__(".pushsection .text.vfork,\"ax\",%progbits\n"
	"	.balign	16\n"
	"	.globl	vfork\n"
	"	.type	vfork, %function\n"
	"	.hidden	vfork_prepare\n"
	"	.hidden	vfork_child_enter, vfork_parent_resume, vfork_error\n"
	"vfork:\n"
	"	.cfi_startproc\n"
	"	hint	#34\n"			/* bti c */
	"	stp	x29, x30, [sp, #-16]!\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset x29, -16\n"
	"	.cfi_offset x30, -8\n"
	"	mov	x29, sp\n"
	"	bl	vfork_prepare\n"
	"	ldp	x29, x30, [sp], #16\n"
	"	.cfi_restore x30\n"
	"	.cfi_restore x29\n"
	"	.cfi_def_cfa_offset 0\n"
	"	mov	x0, #0x4111\n"		/* CLONE_VM, CLONE_VFORK, */
	"	mov	x1, #0\n"		/* SIGCHLD; same stack */
	"	mov	x2, #0\n"
	"	mov	x3, #0\n"
	"	mov	x4, #0\n"
	"	mov	x8, #220\n"		/* SYS_clone */
	"	svc	#0\n"			/* V1: x30 */
	"	cmn	x0, #4095\n"
	"	b.cs	2f\n"
	"	stp	x29, x30, [sp, #-32]!\n"	/* V2 */
	"	.cfi_def_cfa_offset 32\n"
	"	.cfi_offset x29, -32\n"
	"	.cfi_offset x30, -24\n"
	"	str	x0, [sp, #16]\n"
	"	mov	x29, sp\n"
	"	cbnz	x0, 0f\n"
	"	bl	vfork_child_enter\n"
	"	b	1f\n"
	"0:	bl	vfork_parent_resume\n"
	"1:	ldr	x0, [sp, #16]\n"
	"	ldp	x29, x30, [sp], #32\n"
	"	.cfi_restore x30\n"
	"	.cfi_restore x29\n"
	"	.cfi_def_cfa_offset 0\n"
	"	ret\n"
	"2:	b	vfork_error\n"
	"	.cfi_endproc\n"
	"	.size	vfork, . - vfork\n"
	"	.popsection\n");
#endif
/* clang-format on */
