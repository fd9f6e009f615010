/* A program for the tests of recording: each subcommand starts programs in one way. Static, so that it is itself the
 * "static binary". Exit status 0 when all that should run ran; a number that says where not otherwise.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fuse.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void die(int code, const char *what)
{
	dprintf(2, "probe: %s: %s\n", what, strerror(errno));
	_exit(code);
}

/* The exit status of a child. */
static int status_of(pid_t pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die(90, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* execve without the C library, in this process. */
static int raw(char **argv)
{
	syscall(SYS_execve, argv[0], argv, environ);
	die(10, argv[0]);
	return 0;
}

static int spawned(char **argv)
{
	pid_t pid;
	int error = posix_spawn(&pid, argv[0], 0, 0, argv, environ);
	if (error)
		die(11, "posix_spawn");
	return status_of(pid);
}

/* A program that is in memory only, run by its descriptor. */
static int in_memory(char **argv)
{
	int from = open(argv[0], O_RDONLY), to = memfd_create("unnamed", 0);
	char block[65536];
	ssize_t n;
	while ((n = read(from, block, sizeof block)) > 0)
		if (write(to, block, n) != n)
			die(12, "write");
	syscall(SYS_execveat, to, "", argv, environ, AT_EMPTY_PATH);
	die(13, "execveat");
	return 0;
}

/* No argument at all, not even the name. */
static int nameless(char **argv)
{
	char *none[] = { 0 };
	syscall(SYS_execve, argv[0], none, environ);
	die(14, argv[0]);
	return 0;
}

/* `count` arguments of `size` bytes each. */
static int many(char **argv)
{
	int count = atoi(argv[1]), size = atoi(argv[2]);
	char **list = calloc(count + 2, sizeof *list);
	list[0] = argv[0];
	for (int i = 1; i <= count; i++) {
		list[i] = malloc(size + 16);
		int n = sprintf(list[i], "%d-", i);
		if (n < size)
			memset(list[i] + n, 'x', size - n), list[i][size] = 0;
	}
	execv(argv[0], list);
	die(15, argv[0]);
	return 0;
}

/* Bytes that could forge a line, drive a terminal, or break JSON. */
static int bytes(char **argv)
{
	char *list[] = { argv[0], "two\nlines", "\033[2Jescape\007", "\xff\xfe\xc3(", "back\\slash", "quote\"'",
			 "\xe2\x80\xae" "drawkcab", "", "\nNov 24 12:00:00 host sshd[1]: Accepted publickey for root", 0 };
	execv(argv[0], list);
	die(16, argv[0]);
	return 0;
}

/* The grandchild of a child that is gone runs it. */
static int double_fork(char **argv)
{
	int done[2];
	if (pipe(done))
		die(17, "pipe");
	pid_t pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			setsid();
			while (getppid() == pid)
				usleep(1000);
			execv(argv[0], argv);
			die(18, argv[0]);
		}
		_exit(0);
	}
	int status = status_of(pid);
	close(done[1]);
	char end;
	/* The write ends are gone when the grandchild's program has ended. */
	(void)!read(done[0], &end, 1);
	return status;
}

static void *run_in_thread(void *argv)
{
	execv(((char **)argv)[0], argv);
	die(19, "execv in a thread");
	return 0;
}

/* A thread that is not the leader of its process. */
static int thread(char **argv)
{
	pthread_t thread;
	pthread_create(&thread, 0, run_in_thread, argv);
	pthread_join(thread, 0);
	return 20;
}

static void *storm_in_thread(void *argv)
{
	volatile int left = atoi(((char **)argv)[1]);
	while (left-- > 0) {
		pid_t pid = vfork();
		if (pid == 0) {
			char *list[] = { ((char **)argv)[0], 0 };
			execve(list[0], list, environ);
			_exit(21);
		}
		if (pid < 0 || status_of(pid) != 0)
			return (void *)1;
	}
	return 0;
}

/* Four threads that vfork `count` times each. */
static int storm(char **argv)
{
	pthread_t threads[4];
	int failed = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], 0, storm_in_thread, argv);
	for (int i = 0; i < 4; i++) {
		void *result;
		pthread_join(threads[i], &result);
		failed |= result != 0;
	}
	return failed ? 22 : 0;
}

static void *fail_in_thread(void *argv)
{
	char number[16];
	char *list[] = { ((char **)argv)[0], number, 0 };
	int left = atoi(((char **)argv)[1]);
	while (left-- > 0) {
		snprintf(number, sizeof number, "%d", left);
		execve(list[0], list, environ);
	}
	return 0;
}

/* Two threads of one process whose starts fail `count` times each, of one path and of the other. */
static int failing(char **argv)
{
	pthread_t threads[2];
	char *first[] = { argv[0], argv[2] }, *second[] = { argv[1], argv[2] };
	pthread_create(&threads[0], 0, fail_in_thread, first);
	pthread_create(&threads[1], 0, fail_in_thread, second);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], 0);
	return 0;
}

/* `loops` processes that fork and run it `count` times each, told apart by their first argument. */
static int loops(char **argv)
{
	int loops = atoi(argv[1]), count = atoi(argv[2]), failed = 0;
	pid_t pids[64];
	for (int loop = 0; loop < loops && loop < 64; loop++) {
		if ((pids[loop] = fork()) != 0)
			continue;
		char name[16], number[16];
		snprintf(name, sizeof name, "loop-%d", loop);
		for (int i = 0; i < count; i++) {
			snprintf(number, sizeof number, "%d", i);
			char *list[] = { argv[0], name, number, 0 };
			pid_t pid = vfork();
			if (pid == 0) {
				execve(list[0], list, environ);
				_exit(23);
			}
			if (pid < 0 || status_of(pid) != 0)
				_exit(24);
		}
		_exit(0);
	}
	for (int loop = 0; loop < loops && loop < 64; loop++)
		failed |= status_of(pids[loop]);
	return failed;
}

static char own[32];

static void *flip(void *shown)
{
	volatile char *text = shown;
	for (char letter = 'a';; letter ^= 'a' ^ 'b')
		for (int i = 0; i < 24; i++)
			text[i] = letter;
	return 0;
}

/* Runs `argv[0] saw FILE NUMBER OWN SHARED` `count` times while a sibling thread flips OWN and another process flips
 * SHARED, so that what is shown at the gate is seldom what runs.
 */
static int racer(char **argv)
{
	int count = atoi(argv[2]);
	char *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t flipper = fork();
	if (flipper == 0)
		flip(shared);
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			char number[16];
			snprintf(number, sizeof number, "%d", i);
			pthread_t thread;
			pthread_create(&thread, 0, flip, own);
			while (!*(volatile char *)own || !*(volatile char *)shared)
				;
			char *list[] = { argv[0], "saw", argv[1], number, own, shared, 0 };
			/* One that fails at the gate: what the kernel tells of it is not of the next. */
			if (i % 2)
				syscall(SYS_execve, 1, list, environ);
			execv(argv[0], list);
			die(25, argv[0]);
		}
		if (status_of(pid) != 0)
			return 26;
	}
	kill(flipper, 9);
	status_of(flipper);
	return 0;
}

/* Writes down what it was called with: `saw FILE NUMBER OWN SHARED`. */
static int saw(char **argv)
{
	char line[256];
	int n = snprintf(line, sizeof line, "%s %s %s\n", argv[1], argv[2], argv[3]);
	int file = open(argv[0], O_WRONLY | O_APPEND | O_CREAT, 0644);
	return file < 0 || write(file, line, n) != n ? 27 : 0;
}

/* Processes that replace themselves a thousand times a second, `width` at a time, for as long as they live. */
static int bomb(char **argv)
{
	/* The dead are buried here, not by a process 1 that may have other things to do. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_IGN);
	for (int i = atoi(argv[0]); i > 0; i--)
		if (fork() == 0) {
			setsid();
			for (;;) {
				if (fork() > 0)
					_exit(0);
				usleep(1000);
			}
		}
	pause();
	return 0;
}

/* Keeps trying to run it, and says on standard output what became of each try, twenty times a second at most. */
static int tries(char **argv)
{
	int last = -1;
	for (;;) {
		pid_t pid;
		int error = posix_spawn(&pid, argv[0], 0, 0, argv, environ);
		if (!error)
			status_of(pid);
		if (error != last)
			dprintf(1, "%s\n", error ? strerror(error) : "ran");
		last = error;
		usleep(50000);
	}
	return 0;
}

/* Pages of the file that `serve` serves. */
enum { PAGES = 64 };

/* A FUSE server (linux/fuse.h) of one file, "file", that answers everything but a read; and a read, with zeros, after
 * so many milliseconds, if that is not 0. */
static void serve(int fuse, int millis)
{
	static char request[135168];
	for (;;) {
		ssize_t n = read(fuse, request, sizeof request);
		if (n < (ssize_t)sizeof(struct fuse_in_header)) {
			if (n < 0 && errno == EINTR)
				continue;
			_exit(0);
		}
		struct fuse_in_header *in = (void *)request;
		struct {
			struct fuse_out_header head;
			union {
				struct fuse_init_out init;
				struct fuse_entry_out entry;
				struct fuse_attr_out attr;
				struct fuse_open_out open;
			};
		} out = { .head = { .unique = in->unique } };
		size_t more = 0;
		struct fuse_attr attr = { .ino = in->nodeid, .mode = S_IFDIR | 0755, .nlink = 1 };
		if (in->opcode == FUSE_LOOKUP || in->nodeid != FUSE_ROOT_ID)
			attr = (struct fuse_attr){ .ino = 2, .mode = S_IFREG | 0644, .nlink = 1, .size = PAGES * 4096, .blocks = PAGES * 8 };
		switch (in->opcode) {
		case FUSE_READ:
			if (millis) {
				static struct {
					struct fuse_out_header head;
					char zeros[131072];
				} page;
				struct fuse_read_in *asked = (void *)(in + 1);
				usleep(millis * 1000);
				page.head.unique = in->unique;
				page.head.len = sizeof page.head + asked->size;
				if (asked->size > sizeof page.zeros || write(fuse, &page, page.head.len) < 0)
					_exit(0);
			}
			continue;
		case FUSE_FORGET:
			continue;
		case FUSE_INIT:
			out.init = (struct fuse_init_out){ .major = FUSE_KERNEL_VERSION,
							   .minor = FUSE_KERNEL_MINOR_VERSION,
							   .max_write = 4096 };
			more = sizeof out.init;
			break;
		case FUSE_LOOKUP:
			out.entry = (struct fuse_entry_out){ .nodeid = 2, .entry_valid = 60, .attr_valid = 60, .attr = attr };
			more = sizeof out.entry;
			break;
		case FUSE_GETATTR:
			out.attr = (struct fuse_attr_out){ .attr_valid = 60, .attr = attr };
			more = sizeof out.attr;
			break;
		case FUSE_OPEN:
			more = sizeof out.open;
			break;
		default:
			out.head.error = -ENOSYS;
		}
		out.head.len = sizeof out.head + more;
		if (write(fuse, &out, out.head.len) < 0)
			_exit(0);
	}
}

/* Mounts that server in FOLDER, as fusermount does for anybody, and serves it; DEVICE is /dev/fuse: DEVICE FOLDER MILLIS. */
static int serves(char **argv)
{
	char options[128];
	int fuse = open(argv[0], O_RDWR);
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse);
	if (fuse < 0 || mount("stalls", argv[1], "fuse", 0, options))
		die(28, argv[1]);
	serve(fuse, atoi(argv[2]));
	return 0;
}

/* Tries to run it `count` times with an argument in memory that nobody ever fills, of a file that `serves` serves:
 * whoever reads it waits. Says on standard output what became of each try.
 */
static int stalls(char **argv)
{
	int from = open(argv[1], O_RDONLY);
	char *page = from < 0 ? MAP_FAILED : mmap(0, 4096, PROT_READ, MAP_PRIVATE, from, 0);
	if (page == MAP_FAILED)
		die(28, argv[1]);
	for (int i = atoi(argv[2]); i > 0; i--) {
		char *list[] = { argv[0], page, 0 };
		execve(argv[0], list, environ);
		dprintf(1, "%d\n", errno);
	}
	return 0;
}

/* The same from `count` processes at one moment, once each. */
static int stalling_crowd(char **argv)
{
	int from = open(argv[1], O_RDONLY);
	char *page = from < 0 ? MAP_FAILED : mmap(0, 4096, PROT_READ, MAP_PRIVATE, from, 0);
	if (page == MAP_FAILED)
		die(28, argv[1]);
	for (int i = atoi(argv[2]); i > 0; i--)
		if (fork() == 0) {
			char *list[] = { argv[0], page, 0 };
			execve(argv[0], list, environ);
			_exit(0);
		}
	while (wait(0) > 0)
		;
	return 0;
}

/* Runs it once for each page of that file, with an argument in that page. */
static int dawdles(char **argv)
{
	int from = open(argv[1], O_RDONLY);
	char *pages = from < 0 ? MAP_FAILED : mmap(0, PAGES * 4096, PROT_READ, MAP_PRIVATE, from, 0);
	if (pages == MAP_FAILED)
		die(28, argv[1]);
	for (int i = 0; i < PAGES; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			char *list[] = { argv[0], pages + i * 4096, 0 };
			execve(argv[0], list, environ);
			_exit(0);
		}
		status_of(pid);
	}
	return 0;
}

/* A program that stays in the kernel on its way, until the kernel breaks the lease on its file (lease-break-time). */
static int leased(char **argv)
{
	signal(SIGIO, SIG_IGN);
	int file = open(argv[0], O_RDWR);
	if (file < 0 || fcntl(file, F_SETLEASE, F_WRLCK) < 0)
		die(29, argv[0]);
	pid_t pid = fork();
	if (pid == 0) {
		execve(argv[0], argv, environ);
		_exit(0);
	}
	return status_of(pid);
}

static const struct {
	const char *name;
	int (*way)(char **);
	int words;
} ways[] = {
	{ "raw", raw, 1 },	 { "spawned", spawned, 1 },	    { "in-memory", in_memory, 1 }, { "nameless", nameless, 1 },
	{ "many", many, 3 },	 { "bytes", bytes, 1 },		    { "double-fork", double_fork, 1 }, { "thread", thread, 1 },
	{ "storm", storm, 2 },	 { "loops", loops, 3 },		    { "racer", racer, 3 },	   { "saw", saw, 4 },
	{ "bomb", bomb, 1 },	 { "tries", tries, 1 },	    { "stalls", stalls, 3 },	   { "failing", failing, 3 },
	{ "serves", serves, 3 },	 { "stalling-crowd", stalling_crowd, 3 }, { "dawdles", dawdles, 2 },
	{ "leased", leased, 1 },
};

int main(int argc, char **argv)
{
	for (unsigned i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++)
		if (strcmp(argv[1], ways[i].name) == 0 && argc - 2 >= ways[i].words)
			return ways[i].way(argv + 2);
	dprintf(2, "probe: no such way\n");
	return 2;
}
