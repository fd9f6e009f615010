/* forks LOOPS COUNT PROGRAM [FILE]: LOOPS processes that fork and exec PROGRAM COUNT times each, one after the other.
 *
 * Waits for FILE first, so that several can begin together. Prints when it began and when all had ended, in nanoseconds
 * of CLOCK_MONOTONIC. Linked dynamically: preloaded libraries must see its execs too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int status_of(pid_t pid)
{
	int status = 0;
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 3;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

static int loop(int count, char *program)
{
	char *list[] = { program, 0 };
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			execv(program, list);
			_exit(5);
		}
		int failed = status_of(pid);
		if (failed)
			return failed;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	int loops = atoi(argv[1]), count = atoi(argv[2]), failed = 0;
	pid_t pids[64];
	while (argc > 4 && access(argv[4], F_OK))
		usleep(1000);
	long long start = now();
	if (loops == 1)
		failed = loop(count, argv[3]);
	for (int i = 0; loops > 1 && i < loops && i < 64; i++)
		if ((pids[i] = fork()) == 0)
			_exit(loop(count, argv[3]));
	for (int i = 0; loops > 1 && i < loops && i < 64; i++)
		failed |= status_of(pids[i]);
	printf("%lld %lld\n", start, now());
	return failed;
}
