/* heavy storm PROCESSES 0          each asks for a program that is not there, as quickly as it can, for ever
 * heavy flood PROCESSES MEGABYTES   each process starts /bin/true with so many megabytes of arguments, again and again
 * heavy held PROCESSES KIB          each starts a copy of it with so many KiB of arguments, which a lease keeps in the kernel:
 *                                   `held`; until /tmp/released is there. Then it says how many ran, and how many failed why.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define COPY "/tmp/leased"
#define PIECE (100 * 1024)

extern char **environ;

static char **list_of(char *program, long bytes)
{
	long pieces = (bytes + PIECE - 1) / PIECE;
	char **list = calloc(pieces + 2, sizeof *list);
	char *piece = malloc(PIECE);
	memset(piece, 'x', PIECE - 1);
	piece[PIECE - 1] = 0;
	list[0] = program;
	for (long i = 0; i < pieces; i++)
		list[i + 1] = bytes >= PIECE ? piece : piece + PIECE - bytes;
	return list;
}

static int flood(int processes, char **list)
{
	for (int i = 0; i < processes; i++)
		if (fork() == 0)
			for (;;) {
				pid_t pid = vfork();
				if (pid == 0) {
					execve(list[0], list, environ);
					_exit(23);
				}
				waitpid(pid, 0, 0);
			}
	puts("flooding");
	fflush(stdout);
	while (wait(0) > 0)
		;
	return 0;
}

static int storm(int processes, char **list)
{
	for (int i = 0; i < processes; i++)
		if (fork() == 0)
			for (;;)
				execve(list[0], list, environ);
	while (wait(0) > 0)
		;
	return 0;
}

static int held(int processes, char **list)
{
	int ran = 0, again = 0, other = 0, status;
	signal(SIGIO, SIG_IGN);
	int file = open(COPY, O_RDONLY);
	if (file < 0 || fcntl(file, F_SETLEASE, F_WRLCK)) {
		perror(COPY);
		return 1;
	}
	for (int i = 0; i < processes; i++)
		if (fork() == 0) {
			execve(list[0], list, environ);
			_exit(errno == EAGAIN ? 11 : 12);
		}
	puts("held");
	fflush(stdout);
	while (access("/tmp/released", F_OK))
		usleep(10000);
	fcntl(file, F_SETLEASE, F_UNLCK);
	close(file);
	while (wait(&status) > 0) {
		int code = WIFEXITED(status) ? WEXITSTATUS(status) : 99;
		*(code == 0 ? &ran : code == 11 ? &again : &other) += 1;
	}
	printf("ran %d again %d other %d\n", ran, again, other);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	setrlimit(RLIMIT_STACK, &all);
	int processes = atoi(argv[2]);
	if (strcmp(argv[1], "storm") == 0)
		return storm(processes, list_of("/nobody-is-here", 0));
	if (strcmp(argv[1], "flood") == 0)
		return flood(processes, list_of("/bin/true", atol(argv[3]) * 1024 * 1024));
	if (system("cp /bin/true " COPY))
		return 1;
	return held(processes, list_of(COPY, atol(argv[3]) * 1024));
}
