/*
 * static.c - linked with -static: LD_PRELOAD is nothing to it.
 */
#include "helper.h"

int main(void)
{
	churn(20000, 1);
	puts("static ok");
	return 0;
}
