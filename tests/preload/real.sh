# real.sh - the long tests of `make check-real`; sourced by run, which says
# what a test is.  t_NAME_version is a command whose first line names the
# version.
#
# Servers listen on 127.0.0.1 or on a socket of their directory, get a bounded
# load, and are stopped by pid.
#
# shellcheck shell=bash disable=SC2034,SC2086

# A port that is likely nobody's.
real_port=$((20000 + $$ % 20000))

wait_for() {	# COMMAND...: until it succeeds, ten seconds at most
	local i

	for ((i = 0; i < 100; i++)); do
		"$@" > /dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}

# What the program's own tests say, without times and temporary names.
t_python_suite_needs="python3"
t_python_suite_version="python3 --version"
t_python_suite() {
	local tests="test_json test_threading test_thread test_subprocess
		test_memoryview test_memoryio test_bytes test_gc test_mmap
		test_queue test_weakref test_array test_list test_dict"

	python3 -c 'import test.test_json' || return 1
	# shellcheck disable=SC2086
	timeout 400 python3 -m test -j2 $tests > log 2>&1
	grep -aE '^(Result:|Total test files:|FAIL:|ERROR:|All .* tests OK)' log |
		sort
	tail -5 log >&2
	# Some fail as root; the same must.
	grep -q '^Result: ' log
}

t_ruby_needs="ruby"
t_ruby_version="ruby --version"
t_ruby() {
	ruby -e '
		srand 1
		h = Hash.new { |k, v| k[v] = [] }
		200_000.times { |i| h[i % 4099] << "v#{i}" * (i % 5) }
		puts h.values.map { |a| a.join.length }.sum
		a = Array.new(20_000) { |i| (i * 7919 % 100_003).to_s * (i % 7) }
		puts a.sort.join.sum
		t = 8.times.map { |n| Thread.new { (1..20_000).map { |i|
			"#{n}-#{i}" }.uniq.size } }
		puts t.map(&:value).sum
		10.times { GC.start }
		GC.compact if GC.respond_to?(:compact)
		pid = fork { x = (1..100_000).map(&:to_s); exit x.size % 100 }
		Process.wait pid; puts $?.exitstatus
		h.default = nil; puts Marshal.load(Marshal.dump(h)).size
		require "json"; puts JSON.generate(a.first(1000)).length'
}

t_node_npm_needs="node npm tar"
t_node_npm_version="node --version"
t_node_npm() {
	mkdir -p lib app && cd lib || return 1
	cat > package.json << 'END'
{ "name": "shapes", "version": "1.2.3", "main": "index.js",
  "scripts": { "test": "node -e \"process.exit(0)\"" } }
END
	cat > index.js << 'END'
exports.area = (n) => Array.from({ length: n }, (_, i) => i * i)
	.reduce((a, b) => (a + b) % 1000003, 0);
END
	npm pack --silent --offline || return 1
	npm test --silent || return 1
	cd ../app || return 1
	echo '{ "name": "app", "version": "1.0.0", "private": true }' \
		> package.json
	npm install --silent --offline --no-audit --no-fund \
		--cache "$PWD/cache" ../lib/shapes-1.2.3.tgz || return 1
	cat > run.js << 'END'
const { area } = require("shapes");
const fs = require("fs"), cp = require("child_process");
console.log(area(100000));
fs.writeFileSync("data", Buffer.alloc(5e6, "abc"));
const s = fs.createReadStream("data");
let n = 0;
s.on("data", (c) => { n += c.length; });
s.on("end", () => {
	console.log(n);
	console.log(cp.execSync("node -e 'console.log([..." +
		"new Set(Array(50000).fill(0).map((_, i) => i % 777))].length)'")
		.toString().trim());
});
END
	node run.js && ls node_modules
}

t_git_history_needs="git awk"
t_git_history_version="git --version"
t_git_history() {
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
	git init -q -b main r || return 1
	# Three thousand commits of four files each, made by the test.
	awk 'BEGIN { for (i = 1; i <= 3000; i++) {
		printf "commit refs/heads/main\ncommitter a <a@b> %d +0000\n",
			1600000000 + i
		m = "change " i "\n"
		printf "data %d\n%s", length(m), m
		for (j = 1; j <= 4; j++) {
			t = ""
			for (k = 0; k < 60; k++)
				t = t "line " k " " (k == i % 60 ? i : j) "\n"
			printf "M 644 inline d%d/f%d\ndata %d\n%s\n", i % 17,
				(i + j * 7) % 29, length(t), t
		} } }' | git -C r fast-import --quiet || return 1
	cd r && git reset -q --hard || return 1
	git log --format=%H | cksum
	git log --stat -p -n 400 | cksum
	git gc -q --aggressive --prune=now && git fsck --full 2> /dev/null
	git clone -q --no-local . ../c && git -C ../c log --oneline | wc -l
	git -C ../c rev-parse HEAD
	git shortlog -s HEAD && git blame d1/f3 2> /dev/null | cksum
	git diff HEAD~500 HEAD | cksum
}

t_redis_persist_needs="redis-server redis-benchmark redis-cli"
t_redis_persist_version="redis-server --version"
redis_up() {
	redis-server --port 0 --unixsocket "$PWD/s" --dir "$PWD" --save '' \
		--appendonly yes > log 2>&1 &
	server=$!
	# While it reads what it has saved it answers as well, and refuses.
	wait_for sh -c "redis-cli -s '$PWD/s' ping | grep -qx PONG"
}
t_redis_persist() {
	local cli="redis-cli -s $PWD/s" server rc=0

	redis_up || return 1
	redis-benchmark -s "$PWD/s" -q -n 30000 -c 20 -P 16 -d 200 -r 3000 \
		-t set,incr,lpush,lrange_100,sadd,hset,zadd > /dev/null || rc=1
	$cli flushall
	$cli eval 'for i = 1, 40000 do
		redis.call("set", "k" .. i, string.rep("v", i % 300))
		redis.call("hset", "h" .. i % 99, i, i * i)
		redis.call("zadd", "z" .. i % 99, i, "m" .. i) end
		return redis.call("dbsize")' 0
	$cli bgrewriteaof > /dev/null
	$cli eval 'for i = 1, 40000, 3 do redis.call("del", "k" .. i) end' 0
	sleep 0.3
	wait_for sh -c "$cli info persistence |
		grep -q aof_rewrite_in_progress:0"
	$cli info persistence | grep -o 'aof_last_bgrewrite_status:[a-z]*'
	kill -TERM "$server" && wait "$server" || rc=1
	# What the forked child has written is read again.
	redis_up || return 1
	$cli eval 'local n = 0 for i = 1, 40000 do
		n = n + redis.call("strlen", "k" .. i) end
		for i = 0, 98 do n = n + redis.call("hlen", "h" .. i) +
			redis.call("zcard", "z" .. i) end return n' 0
	kill -TERM "$server" && wait "$server" || rc=1
	return $rc
}

# It refuses to run as root.
t_postgres_needs="setpriv"
t_postgres_version="ls /usr/lib/postgresql"
t_postgres() {
	local bin uid=65534

	bin=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | tail -1)
	[ -x "$bin/initdb" ] || { echo "no postgres" >&2; return 1; }
	if [ "$(id -u)" = 0 ]; then
		# shellcheck disable=SC2154 # the runner's
		chmod 711 "$tmp" && chown $uid . && chmod 700 .
		as="setpriv --reuid=$uid --regid=$uid --clear-groups --"
	else
		as=
	fi
	export HOME=$PWD PGHOST=$PWD PGUSER=u PGDATABASE=postgres
	$as "$bin/initdb" -D "$PWD/data" -U u -A trust -N --locale=C -E UTF8 \
		> init.log 2>&1 || { tail -3 init.log >&2; return 1; }
	$as "$bin/postgres" -D "$PWD/data" -c listen_addresses= \
		-c unix_socket_directories="$PWD" -c fsync=off \
		-c max_connections=20 > pg.log 2>&1 &
	server=$!
	wait_for $as "$bin/psql" -Atc 'select 1' || { tail -3 pg.log >&2; return 1; }
	$as "$bin/pgbench" -q -i -s 3 > /dev/null 2>&1 || return 1
	$as "$bin/pgbench" -n -c 6 -j 2 -t 400 > bench.log 2>&1
	grep -o 'number of transactions actually processed: .*' bench.log
	$as "$bin/psql" -At << 'END'
select count(*) from pgbench_accounts;
select count(*), sum(delta) is not null from pgbench_history;
select (select sum(abalance) from pgbench_accounts) =
	(select sum(bbalance) from pgbench_branches);
create table t as select i, md5(i::text) m from generate_series(1, 200000) i;
create index on t(m);
select count(*), min(m), max(m) from t where m like 'a%';
select md5(string_agg(m, '' order by i)) from t where i <= 50000;
select sum(x.n) from (select left(m, 2) p, count(*) n from t group by 1) x;
END
	kill -INT "$server"
	wait "$server"
}

t_nginx_needs="nginx wrk python3"
t_nginx_version="nginx -v"
t_nginx() {
	local port=$real_port

	chmod 755 . && mkdir -p www tmp && seq 1 20000 > www/a.txt
	head -c 3000000 /dev/zero > www/zero
	cat > nginx.conf << END
daemon off; worker_processes 2; pid $PWD/pid; error_log $PWD/error.log;
$([ "$(id -u)" != 0 ] || echo "user root;")
events { worker_connections 256; }
http {
	access_log off; gzip on; gzip_min_length 1; gzip_types text/plain;
	types { text/plain txt; }
	client_body_temp_path $PWD/tmp/b; proxy_temp_path $PWD/tmp/p;
	fastcgi_temp_path $PWD/tmp/f; uwsgi_temp_path $PWD/tmp/u;
	scgi_temp_path $PWD/tmp/s;
	server { listen 127.0.0.1:$port; root $PWD/www; }
}
END
	nginx -p "$PWD" -c "$PWD/nginx.conf" > log 2>&1 &
	server=$!
	cat > get.py << END
import gzip, hashlib, urllib.request
def get(path, enc):
    r = urllib.request.Request("http://127.0.0.1:$port" + path,
                               headers={"Accept-Encoding": enc})
    with urllib.request.urlopen(r) as f:
        data = f.read()
    return gzip.decompress(data) if enc == "gzip" else data
for path, enc in ("/a.txt", "gzip"), ("/a.txt", "identity"), ("/zero", ""):
    print(hashlib.sha256(get(path, enc)).hexdigest())
END
	wait_for python3 get.py || { tail -3 log error.log >&2; return 1; }
	# Nothing is late: the machine may be busy.
	wrk --timeout 60s -t2 -c40 -d2s -H 'Accept-Encoding: gzip' \
		"http://127.0.0.1:$port/a.txt" > wrk.log
	wrk --timeout 60s -t2 -c20 -d1s "http://127.0.0.1:$port/zero" >> wrk.log
	grep -c 'Requests/sec' wrk.log
	grep -E 'Non-2xx|Socket errors' wrk.log
	python3 get.py
	kill -HUP "$server" && sleep 0.3 && python3 get.py
	kill -QUIT "$server"
	wait "$server"
}

t_memcached_needs="memcached python3"
t_memcached_version="memcached --version"
t_memcached() {
	memcached -s "$PWD/s" -m 64 -t 4 -u "$(id -un)" > log 2>&1 &
	server=$!
	wait_for test -S s || return 1
	python3 - << 'EOF'
import socket, threading, hashlib
def work(n, out):
    s = socket.socket(socket.AF_UNIX)
    s.connect("s")
    f = s.makefile("rwb")
    h = hashlib.sha256()
    for i in range(4000):
        v = (b"%d-%d " % (n, i)) * (i % 90 + 1)
        f.write(b"set k%d-%d 0 0 %d\r\n%s\r\n" % (n, i, len(v), v))
        f.flush()
        assert f.readline() == b"STORED\r\n"
    for i in range(0, 4000, 3):
        f.write(b"get k%d-%d\r\n" % (n, i))
        f.flush()
        line = f.readline()
        assert line.startswith(b"VALUE"), line
        data = f.read(int(line.split()[3]) + 2)
        assert f.readline() == b"END\r\n"
        h.update(data)
    out[n] = h.hexdigest()
out = [None] * 8
ts = [threading.Thread(target=work, args=(n, out)) for n in range(8)]
for t in ts: t.start()
for t in ts: t.join()
print("\n".join(map(str, out)))
EOF
	kill -TERM "$server"
	wait "$server"
	true
}

t_clang_needs="clang"
t_clang_version="clang --version"
t_clang() {
	cat > p.c << 'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct node { struct node *l, *r; unsigned key; char text[20]; };
static struct node *put(struct node *n, unsigned key)
{
	if (!n) {
		n = calloc(1, sizeof(*n));
		n->key = key;
		snprintf(n->text, sizeof(n->text), "%u", key);
	} else if (key < n->key) {
		n->l = put(n->l, key);
	} else {
		n->r = put(n->r, key);
	}
	return n;
}
static unsigned sum(struct node *n)
{
	unsigned s;
	if (!n) return 0;
	s = sum(n->l) * 31 + n->text[0] + sum(n->r);
	free(n);
	return s;
}
int main(void)
{
	struct node *root = NULL;
	for (unsigned i = 0; i < 50000; i++)
		root = put(root, i * 2654435761u);
	printf("%u\n", sum(root));
	return 0;
}
END
	for o in 0 2 3; do
		clang -O$o -g0 -c p.c -o p$o.o && cksum < p$o.o
	done
	clang -O2 -flto -c p.c -o lto.bc && cksum < lto.bc
	clang -O2 -S -emit-llvm p.c -o - | cksum
	clang p2.o -o p && ./p
	echo 'int x = ' > bad.c
	! clang -c bad.c -o bad.o 2> /dev/null && echo refused
}

t_java_needs="javac java"
t_java_version="java --version"
t_java() {
	cat > P.java << 'END'
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import java.util.zip.*;
import java.nio.*;
public class P {
	static long work(int n) {
		Map<String, List<Integer>> m = new HashMap<>();
		for (int i = 0; i < 60000; i++)
			m.computeIfAbsent("k" + i % 997, k -> new ArrayList<>())
				.add(i * n);
		return m.values().stream().mapToLong(l -> l.size()).sum();
	}
	public static void main(String[] args) throws Exception {
		ExecutorService e = Executors.newFixedThreadPool(4);
		List<Future<Long>> f = new ArrayList<>();
		for (int i = 0; i < 16; i++) {
			int n = i;
			f.add(e.submit(() -> work(n)));
		}
		long sum = 0;
		for (Future<Long> x : f)
			sum += x.get();
		e.shutdown();
		System.out.println(sum);
		byte[] in = IntStream.range(0, 500000)
			.mapToObj(i -> "" + i % 77)
			.collect(Collectors.joining(",")).getBytes();
		Deflater d = new Deflater();
		d.setInput(in);
		d.finish();
		byte[] out = new byte[in.length], back = new byte[in.length];
		int n = d.deflate(out);
		Inflater u = new Inflater();
		u.setInput(out, 0, n);
		u.inflate(back);
		System.out.println(Arrays.equals(in, back));
		for (int i = 0; i < 200; i++)
			ByteBuffer.allocateDirect(1 << 20).put(0, (byte)1);
		System.gc();
		System.out.println(IntStream.range(0, 300000).parallel()
			.mapToObj(i -> new int[] { i })
			.mapToLong(a -> a[0]).sum());
	}
}
END
	javac -J-Xmx256m P.java && java -Xmx256m P && java -Xmx256m -Xint P
	jar cf p.jar ./*.class && jar tf p.jar | grep -c class
}

t_imagemagick_needs="convert identify montage"
t_imagemagick_version="convert --version"
t_imagemagick() {
	convert -version | grep -q ImageMagick || return 1
	convert -size 600x450 gradient:navy-gold -swirl 90 \
		-resize 60% -rotate 17 -blur 0x2 a.png || return 1
	convert a.png -colorspace Gray -edge 2 b.png
	convert a.png b.png -append -quality 80 c.jpg
	convert c.jpg -crop 100x100 +repage t%02d.png
	identify -format '%wx%h %#\n' a.png b.png
	identify -format '%w %h\n' c.jpg
	ls t*.png | wc -l
	montage t0[0-9].png -geometry 50x50 m.png &&
		identify -format '%wx%h\n' m.png
}

t_z3_needs="z3 awk"
t_z3_version="z3 --version"
t_z3() {
	# Pigeons and holes; a queens problem; some arithmetic of bits.
	awk 'BEGIN { n = 7
		for (i = 0; i <= n; i++) for (j = 0; j < n; j++)
			print "(declare-const p" i "_" j " Bool)"
		for (i = 0; i <= n; i++) { s = "(assert (or"
			for (j = 0; j < n; j++) s = s " p" i "_" j
			print s "))" }
		for (j = 0; j < n; j++) for (i = 0; i <= n; i++)
			for (k = i + 1; k <= n; k++)
			print "(assert (not (and p" i "_" j " p" k "_" j ")))"
		print "(check-sat)" }' > a.smt2
	awk 'BEGIN { n = 8
		for (i = 0; i < n; i++) {
			print "(declare-const q" i " Int)"
			print "(assert (and (>= q" i " 0) (< q" i " " n ")))" }
		for (i = 0; i < n; i++) for (j = i + 1; j < n; j++) {
			print "(assert (not (= q" i " q" j ")))"
			print "(assert (not (= (- q" i " q" j ") " j - i ")))"
			print "(assert (not (= (- q" j " q" i ") " j - i ")))" }
		print "(check-sat)" }' > b.smt2
	cat > c.smt2 << 'END'
(declare-const x (_ BitVec 16))
(declare-const y (_ BitVec 16))
(assert (= (bvmul x y) #x1235))
(assert (bvugt x #x0001))
(assert (bvugt y #x0001))
(check-sat)
END
	timeout 120 z3 a.smt2 && timeout 120 z3 b.smt2 && timeout 120 z3 c.smt2
}

# It brings its own malloc: the preload serves what its libraries call before
# and beside that one, and what must hold is that both get along.
t_chromium_needs="chromium"
t_chromium_version="chromium --version"
t_chromium() {
	cat > p.html << 'END'
<!doctype html><body><div id=a></div><canvas id=c width=300 height=200></canvas>
<script>
const m = new Map();
for (let i = 0; i < 100000; i++) m.set('k' + i % 3001, 'v'.repeat(i % 50));
let h = 0;
const g = document.getElementById('c').getContext('2d');
for (let i = 0; i < 300; i++) {
	g.fillStyle = 'rgb(' + i % 256 + ',9,99)';
	g.fillRect(i, i % 200, 20, 20);
}
for (const b of g.getImageData(0, 0, 300, 200).data) h = (h * 31 + b) >>> 0;
for (let i = 0; i < 2000; i++) {
	const p = document.createElement('p');
	p.textContent = 'row ' + i;
	document.body.append(p);
}
document.getElementById('a').textContent = m.size + ' ' + h;
</script>
END
	timeout 120 chromium --headless --no-sandbox --disable-gpu \
		--disable-dev-shm-usage --user-data-dir="$PWD/profile" \
		--virtual-time-budget=2000 --dump-dom "file://$PWD/p.html" \
		2> log > dom || { tail -3 log >&2; return 1; }
	cksum < dom && grep -o '<div id="a">[^<]*' dom
}

t_stress_ng_needs="stress-ng"
t_stress_ng_version="stress-ng --version"
t_stress_ng() {
	local what ops

	for what in 'malloc 3 60000' 'vm 2 2000' 'fork 2 800' \
		'pthread 2 1500' 'mmap 1 60' 'vfork 1 400' 'bigheap 1 300' \
		'qsort 1 3'; do
		# shellcheck disable=SC2086
		set -- $what
		ops="--$1 $2 --$1-ops $3"
		[ "$1" != vm ] || ops+=" --vm-bytes 64m"
		[ "$1" != malloc ] || ops+=" --malloc-bytes 1m"
		[ "$1" != bigheap ] || ops+=" --bigheap-growth 64k"
		timeout 100 stress-ng --verify --timeout 20s $ops \
			> log 2>&1 && echo "$1 passed" ||
			{ echo "$1 failed"; tail -5 log >&2; }
	done
}

t_gdb_needs="gdb gcc"
t_gdb_version="gdb --version"
t_gdb() {
	cat > p.c << 'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct item { int n; char *text; struct item *next; };
static struct item *list;
void stop(struct item *i) { (void)i; }
int main(void)
{
	for (int i = 0; i < 100; i++) {
		struct item *it = malloc(sizeof(*it));
		it->n = i;
		it->text = strdup("text");
		it->next = list;
		list = it;
		if (i % 25 == 24)
			stop(it);
	}
	puts("end");
	return list->n;
}
END
	gcc -g -O0 p.c -o p || return 1
	gdb -q -nx -batch -ex 'break stop' -ex run -ex 'print i->n' \
		-ex 'print i->next->text' -ex continue \
		-ex 'print *i->next->next' -ex 'call (int)strlen(i->text)' \
		-ex 'call (void)free((void *)malloc(100))' \
		-ex 'delete' -ex continue ./p 2> err |
		grep -aE '^\$|^end|exited' |
		sed -e 's/0x[0-9a-f]*/ADDRESS/g' -e 's/process [0-9]*/process/'
}

t_valgrind_needs="valgrind gcc"
t_valgrind_version="valgrind --version"
t_valgrind() {
	cat > p.c << 'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static void *work(void *arg)
{
	char *p[100] = { 0 };
	unsigned long n = (unsigned long)arg;

	for (int i = 0; i < 20000; i++) {
		int k;

		n = n * 6364136223846793005u + 1;
		k = (int)((n >> 40) % 100);
		free(p[k]);
		p[k] = malloc(k * 37 + 1);
		memset(p[k], k, k * 37 + 1);
	}
	for (int k = 0; k < 100; k++)
		free(p[k]);
	return NULL;
}
int main(void)
{
	pthread_t t[3];

	for (long i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, work, (void *)(i + 1));
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	puts("worked");
	return 0;
}
END
	gcc -g -O1 -pthread p.c -o p || return 1
	# The preloaded malloc stays: memcheck has no other for it.
	valgrind -q --soname-synonyms=somalloc=nouserintercepts \
		--error-exitcode=9 ./p 2> err && ! grep -q '^==' err &&
		echo 'no errors'
	valgrind -q --soname-synonyms=somalloc=nouserintercepts \
		--error-exitcode=9 sort -r p.c 2> err | cksum
}

t_coreutils_needs="sort split shuf comm od factor"
t_coreutils_version="sort --version"
t_coreutils() {
	seq 1 50000 > a && seq 1 3 50000 > b
	comm -12 <(sort a) <(sort b) | cksum
	split -l 1000 a part. && cat part.* | cmp - a && ls part.* | wc -l
	shuf --random-source=a a | cksum
	head -300 a | ptx | cksum
	od -An -tx8 a | cksum
	seq 1000000007 1000000107 | factor | cksum
	tac a | rev | nl | fold -w 7 | tr -s ' ' | md5sum
	csplit -s -z a '/^25/' '{*}' && ls xx* | wc -l
	stat -c %s a && df / > /dev/null
}

t_small_tools_needs="dpkg ps grep"
t_small_tools_version="dpkg --version"
t_small_tools() {
	dpkg -l | cksum && dpkg -L bash | cksum
	! type -P apt-cache > /dev/null || apt-cache dump 2> /dev/null | cksum
	! type -P systemd-analyze > /dev/null ||
		systemd-analyze calendar --iterations=2 'Mon 2030-01-07 10:00' \
		2>&1 | grep Normalized
	ps aux > /dev/null && grep -rc include /usr/include/linux | cksum
	! type -P jq > /dev/null || seq 1 10000 | jq -s 'map(. * 2) | add'
}

# Debian's loads its extensions with RTLD_DEEPBIND, which binds them to libc's
# malloc: -n loads none.  Its strings are appended to by realloc().
t_php_needs="php"
t_php_version="php --version"
t_php() {
	cat > t.php << 'END'
<?php
$h = [];
for ($i = 0; $i < 200000; $i++)
	$h["k" . $i % 4999][] = "v" . $i . str_repeat("x", $i % 40);
for ($n = $r = 0; $r < 2; $r++) {
	$s = serialize(json_decode(json_encode($h), true));
	$n += strlen($s) + count(unserialize($s));
}
echo $n, " ", md5($s), " ", preg_match_all('/v(\d+)x+/', $s), "\n";
$t = "";
for ($i = 0; $i < 300000; $i++) $t .= "line $i\n";
echo strlen($t), " ", count(explode("\n", $t)), " ", crc32($t), "\n";
END
	php -n t.php && USE_ZEND_ALLOC=0 php -n -d memory_limit=-1 t.php
}

# Its collector has memory of its own; strings, ports and large numbers are ours.
t_guile_needs="guile"
t_guile_version="guile --version"
t_guile() {
	cat > t.scm << 'END'
(define h (make-hash-table))
(do ((i 0 (+ i 1))) ((= i 60000))
  (hash-set! h (string-append "k" (number->string (modulo i 5021)))
             (list i (make-vector 10 i))))
(display (hash-count (const #t) h)) (newline)
(define (fact n) (if (= n 0) 1 (* n (fact (- n 1)))))
(display (modulo (fact 2000) 1000003)) (newline)
(display (length (sort (map string-length (map number->string (iota 50000)))
                       <))) (newline)
END
	guile --no-auto-compile t.scm
}

t_tcl_needs="tclsh"
t_tcl_version="echo puts [info patchlevel] | tclsh"
t_tcl() {
	cat > t.tcl << 'END'
for {set i 0} {$i < 60000} {incr i} {
	dict lappend d k[expr {$i % 999}] "v$i[string repeat x [expr {$i % 30}]]"
	lappend l [expr {($i * 7919) % 60013}]
}
dict for {k v} $d { append s [join $v ,] }
puts [string length $s],[regexp -all {\d+7x} $s],[llength [split $s ,]]
puts [lindex [lsort -integer $l] 1000],[lindex [lsort $l] 1000]
END
	tclsh t.tcl
}

t_xml_needs="xsltproc xmllint awk"
t_xml_version="xsltproc --version"
t_xml() {
	awk 'BEGIN { print "<root>"; for (i = 0; i < 20000; i++)
		printf "<item id=\"%d\" k=\"%d\"><n>name %d</n><e/></item>\n",
			i, i % 97, i * 7919 % 20011
		print "</root>" }' > in.xml
	cat > t.xsl << 'END'
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:key name="k" match="item" use="@k"/>
<xsl:template match="/root"><out><xsl:for-each select="item[@k &gt; 3]">
<xsl:sort select="n"/><r id="{@id}"><xsl:copy-of select="n"/></r></xsl:for-each>
<c><xsl:value-of select="count(key('k', '5'))"/></c></out></xsl:template>
</xsl:stylesheet>
END
	xsltproc t.xsl in.xml > out.xml && cksum < out.xml
	xmllint --format out.xml | cksum
	xmllint --xpath 'count(//r[contains(n, "77")])' out.xml
}

t_pari_needs="gp"
t_pari_version="gp --version-short"
t_pari() {
	gp -q << 'END'
print(factor(2^151-1));
print(sum(i=1,20000,#divisors(i)*eulerphi(i)));
M = matrix(50,50,i,j,((i*7919+j*104729)%1009)-500); print(matdet(M)%1000003);
print(#factor(x^120-1)~," ",polcoeff(prod(i=1,120,1+x^i),300));
END
}

t_vim_needs="vim awk"
t_vim_version="vim --version"
t_vim() {
	awk 'BEGIN { for (i = 0; i < 60000; i++)
		printf "%s key%d field%d\n", i % 3 ? "GET" : "POST",
			i * 7919 % 5021, i % 97 }' > in
	vim -u NONE -i NONE -N -es in -c '%s/key\(\d\+\)/K\1k/g' -c 'g/POST/d' \
		-c 'sort n /K/' -c 'undo' -c 'redo' -c 'w out' -c 'q!'
	cksum < out
}

real="python_suite ruby node_npm git_history redis_persist postgres nginx
	memcached clang java imagemagick z3 chromium stress_ng gdb valgrind
	coreutils small_tools php guile tcl xml pari vim"
