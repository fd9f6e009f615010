/* floor COUNT PROGRAM FILE: forks and execs PROGRAM COUNT times, one after the other, behind the least that a gate with a durable
 * line can be: a seccomp listener that a process of its own answers, once 300 bytes are on the disk. It reads nothing, keeps
 * nothing, and knows nobody. What a recorder costs stands beside what this costs on the same machine.
 *
 * FILE is filled before, so that it does not grow. Prints as `forks` does.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 300, NUMBER_OF_EXECVE = SYS_execve };

static long long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void need(int well, const char *what)
{
	if (!well) {
		perror(what);
		exit(6);
	}
}

/* A message with a descriptor, to send one or to take one. */
static int pass(int socket, int descriptor, int send)
{
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &descriptor, sizeof(int));
	need((send ? sendmsg(socket, &message, 0) : recvmsg(socket, &message, 0)) == 1, "the listener's way");
	memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return descriptor;
}

static void answer(int socket, int file)
{
	int listener = pass(socket, -1, 0);
	off_t at = 0;
	char line[LINE];
	struct pollfd ready = { .fd = listener, .events = POLLIN };
	memset(line, 'x', sizeof(line));
#ifdef SECCOMP_IOCTL_NOTIF_SET_FLAGS
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
#else
	ioctl(listener, _IOW('!', 4, unsigned long long), 1);
#endif
	while (poll(&ready, 1, -1) > 0 && (ready.revents & POLLIN)) {
		struct seccomp_notif asked = { 0 };
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
			continue;
		need(pwrite(file, line, LINE, at) == LINE && fdatasync(file) == 0, "the line");
		at += LINE;
		struct seccomp_notif_resp run = { .id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &run);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NUMBER_OF_EXECVE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(program) / sizeof(*program), program };
	int pair[2];
	if (argc < 4)
		return 2;
	int count = atoi(argv[1]);
	int file = open(argv[3], O_RDWR | O_CREAT, 0600);
	size_t size = (size_t)(count + 1) * LINE;
	char *filling = malloc(size), *list[] = { argv[2], 0 };
	memset(filling, '\t', size);
	need(pwrite(file, filling, size, 0) == (ssize_t)size && fsync(file) == 0, argv[3]);
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	pid_t gate = fork();
	if (gate == 0)
		answer(pair[1], file);
	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
	int listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
	need(listener >= 0, "seccomp");
	pass(pair[0], listener, 1);
	close(listener);
	long long start = now();
	for (int i = 0; i < count; i++) {
		int status = 0;
		pid_t pid = fork();
		if (pid == 0) {
			execv(argv[2], list);
			_exit(5);
		}
		need(waitpid(pid, &status, 0) == pid && status == 0, argv[2]);
	}
	printf("%lld %lld\n", start, now());
	return 0;
}
