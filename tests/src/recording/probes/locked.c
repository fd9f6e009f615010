/* What a recorder sees of an audit whose rules are locked (auditctl -e 2), which nothing but a boot would undo: while
 * LOCKED is there, the kernel refuses each rule, and its status says so. Preloaded into the recorder alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOCKED "/tmp/audit-is-locked"

static int about_rules(unsigned short type)
{
    return type == AUDIT_ADD_RULE || type == AUDIT_DEL_RULE;
}

ssize_t sendto(int fd, const void *buffer, size_t length, int flags, const struct sockaddr *to, socklen_t size)
{
    ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
    if (to && to->sa_family == AF_NETLINK && length >= sizeof(struct nlmsghdr)) {
        struct nlmsghdr head;
        memcpy(&head, buffer, sizeof head);
        if (about_rules(head.nlmsg_type) && access(LOCKED, F_OK) == 0) {
            /* Without its rule: refused, and nothing is changed. */
            head.nlmsg_len = sizeof head;
            return next(fd, &head, sizeof head, flags, to, size) < 0 ? -1 : (ssize_t)length;
        }
    }
    return next(fd, buffer, length, flags, to, size);
}

ssize_t recvfrom(int fd, void *buffer, size_t length, int flags, struct sockaddr *from, socklen_t *size)
{
    ssize_t (*next)(int, void *, size_t, int, struct sockaddr *, socklen_t *) = dlsym(RTLD_NEXT, "recvfrom");
    ssize_t got = next(fd, buffer, length, flags, from, size);
    struct nlmsghdr *head = buffer;
    if (got < (ssize_t)sizeof *head || !from || from->sa_family != AF_NETLINK || access(LOCKED, F_OK) != 0)
        return got;
    if (head->nlmsg_type == NLMSG_ERROR) {
        struct nlmsgerr *error = NLMSG_DATA(head);
        if (error->error == -EINVAL && about_rules(error->msg.nlmsg_type))
            error->error = -EPERM;
    } else if (head->nlmsg_type == AUDIT_GET) {
        struct audit_status *status = NLMSG_DATA(head);
        status->enabled = 2;
    }
    return got;
}
