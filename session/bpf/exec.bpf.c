/* The kernel's own copy of what ran, for the sessions that the recorder watches.
 *
 * Three kinds of event: a program image was replaced (with the argument bytes as
 * the kernel copied them), an exec call failed (with the error), a session's first process exited. CO-RE: only the fields named
 * here are needed, and the loader finds them in the running kernel's BTF.
 * Layout of the event: session/src/kernel_copy/bpf/chunks.rs reads it.
 */
#define SEC(name) __attribute__((section(name), used))
#define CORE __attribute__((preserve_access_index))

typedef unsigned char u8;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;

struct super_block { u32 s_dev; } CORE;
struct inode { unsigned long i_ino; struct super_block *i_sb; } CORE;
struct file { struct inode *f_inode; } CORE;
struct linux_binprm { struct file *file; const char *filename; const char *interp; } CORE;
struct mm_struct { unsigned long arg_start, arg_end; } CORE;
struct thread_info { u32 status; } CORE;
struct ns_common { u32 inum; } CORE;
struct pid_namespace { struct ns_common ns; } CORE;
struct upid { int nr; struct pid_namespace *ns; } CORE;
struct pid { u32 level; struct upid numbers[1]; } CORE;
struct task_struct {
	struct thread_info thread_info;
	int pid, tgid, exit_code;
	u32 sessionid;
	struct mm_struct *mm;
	struct task_struct *group_leader;
	struct pid *thread_pid;
} CORE;
struct pt_regs { unsigned long orig_ax; } CORE;

enum { LEVELS = 33 }; /* MAX_PID_NS_LEVEL, and the first */
enum { EXEC = 1, FAILED = 2, EXITED = 3 };
enum { SCRIPT = 1 };
enum { RING = 4194304 };
enum { NAME = 256, CHUNK = 16384, CHUNKS = 400 }; /* 6.2 MiB: more than the kernel takes as arguments */

struct event {
	u64 time;    /* CLOCK_BOOTTIME, ns */
	u64 inode;
	u32 device;
	u32 kind;
	u32 session; /* audit session id */
	u32 pid;     /* thread group, in the recorder's pid namespace; 0 if it is not in it */
	u32 tid;
	s32 result;  /* 0, or -errno */
	u32 flags;
	u32 total;   /* argument bytes in all */
	u32 offset;  /* of this chunk */
	u32 length;  /* of this chunk */
	char name[NAME];
	u8 data[CHUNK];
};

enum { HEAD = __builtin_offsetof(struct event, data) };

/* Map definitions in BTF form (libbpf's convention, which aya reads). */
#define UINT(name, value) int (*name)[value]
#define TYPE(name, type) type *name

/* The reader has the ring mapped twice over, all of it resident: 4 MiB are 8 in its memory. Room for an exec with as many
 * arguments as an 8 MiB stack allows, twice almost, or for ten thousand ordinary ones, before the reader has its turn. Behind
 * its half of it an exec has only its beginning told, so that others find room for theirs; what does not fit is counted in
 * `lost` and told.
 */
struct { UINT(type, 27 /* RINGBUF */); UINT(max_entries, RING); } events SEC(".maps");
struct { UINT(type, 1 /* HASH */); UINT(max_entries, 16384); TYPE(key, u32); TYPE(value, u8); } sessions SEC(".maps");
struct { UINT(type, 1 /* HASH */); UINT(max_entries, 16384); TYPE(key, u32); TYPE(value, u8); } firsts SEC(".maps");
struct { UINT(type, 6 /* PERCPU_ARRAY */); UINT(max_entries, 1); TYPE(key, u32); TYPE(value, struct event); } scratch SEC(".maps");
struct { UINT(type, 6 /* PERCPU_ARRAY */); UINT(max_entries, 1); TYPE(key, u32); TYPE(value, u64); } lost SEC(".maps");

/* The recorder's pid namespace: the inode of /proc/self/ns/pid. */
const volatile u64 namespace_inode = 0;

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static u64 (*const ktime_boot)(void) = (void *)125;
static struct task_struct *(*const current_task)(void) = (void *)158; /* bpf_get_current_task_btf */
static long (*const probe_read_user)(void *to, u32 size, const void *from) = (void *)112;
static long (*const probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)115;
static long (*const probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static u64 (*const ringbuf_query)(void *ring, u64 flags) = (void *)134;
static long (*const ringbuf_output)(void *ring, void *data, u64 size, u64 flags) = (void *)130;

static void send(struct event *event, u32 length)
{
	u32 zero = 0;
	if (length > CHUNK)
		length = CHUNK;
	event->length = length;
	if (ringbuf_output(&events, event, HEAD + length, 0) == 0)
		return;
	u64 *count = map_lookup(&lost, &zero);
	if (count)
		*count += 1;
}

/* The number of a process as the recorder sees it, also of one in a namespace below; 0 if it sees none. */
static u32 number(struct task_struct *task)
{
	struct pid *pid = task->thread_pid;
	if (!pid)
		return 0;
	u32 level = pid->level;
	const char *numbers = (const char *)__builtin_preserve_access_index(&pid->numbers[0]);
	for (u32 i = 0; i < LEVELS; i++) {
		struct { int nr; void *ns; } upid; /* struct upid, whole */
		u32 inode = 0;
		if (i > level)
			break;
		if (probe_read_kernel(&upid, sizeof(upid), numbers + i * sizeof(upid)) != 0)
			break;
		struct pid_namespace *ns = upid.ns;
		if (probe_read_kernel(&inode, sizeof(inode), __builtin_preserve_access_index(&ns->ns.inum)) != 0)
			break;
		if (inode == namespace_inode)
			return upid.nr;
	}
	return 0;
}

static struct event *begin(struct task_struct *task, u32 kind)
{
	u32 zero = 0, session = task->sessionid;
	if (session == 0xffffffff || !map_lookup(&sessions, &session))
		return 0;
	struct event *event = map_lookup(&scratch, &zero);
	if (!event)
		return 0;
	event->time = ktime_boot();
	event->inode = 0;
	event->device = 0;
	event->kind = kind;
	event->session = session;
	event->pid = number(task->group_leader);
	event->tid = number(task);
	event->result = 0;
	event->flags = 0;
	event->total = 0;
	event->offset = 0;
	event->name[0] = 0;
	return event;
}

SEC("tp_btf/sched_process_exec")
int command_ran(u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	struct linux_binprm *bprm = (struct linux_binprm *)context[2];
	struct event *event = begin(task, EXEC);
	if (!event)
		return 0;
	event->inode = bprm->file->f_inode->i_ino;
	event->device = bprm->file->f_inode->i_sb->s_dev;
	if (bprm->filename != bprm->interp)
		event->flags |= SCRIPT;
	probe_read_kernel_str(event->name, NAME, bprm->filename);

	unsigned long start = task->mm->arg_start, end = task->mm->arg_end;
	u32 total = end - start;
	event->total = total;
	if (total == 0) {
		send(event, 0);
		return 0;
	}
	for (u32 chunk = 0; chunk < CHUNKS; chunk++) {
		/* Read back from memory, so that the verifier forgets it and sees each turn as the same. */
		u32 rest = *(volatile u32 *)&event->total, offset = chunk * CHUNK;
		if (offset >= rest)
			break;
		event->offset = offset;
		if (chunk > 0 && ringbuf_query(&events, 0 /* BPF_RB_AVAIL_DATA */) > RING / 2) {
			/* What is left is for the beginnings of others: an exec that nobody tells of could have lied. */
			send(event, 0);
			break;
		}
		u32 length = rest - offset;
		if (length > CHUNK)
			length = CHUNK;
		/* A page that is not there (swapped out within microseconds) reads as a failed chunk. */
		if (probe_read_user(event->data, length, (const void *)(start + offset)) != 0)
			length = 0;
		send(event, length);
		if (length == 0)
			break;
	}
	return 0;
}

static int returned(s32 result)
{
	if (result >= 0)
		return 0;
	struct event *event = begin(current_task(), FAILED);
	if (!event)
		return 0;
	event->result = result;
	send(event, 0);
	return 0;
}

/* Where the kernel lets functions be traced: one argument (struct pt_regs *), then the return value. */
SEC("fexit/__x64_sys_execve")
int execve_returned(u64 *context) { return returned(context[1]); }
SEC("fexit/__x64_sys_execveat")
int execveat_returned(u64 *context) { return returned(context[1]); }
SEC("fexit/__ia32_compat_sys_execve")
int compat_execve_returned(u64 *context) { return returned(context[1]); }
SEC("fexit/__ia32_compat_sys_execveat")
int compat_execveat_returned(u64 *context) { return returned(context[1]); }

/* Where it does not: every system call's return, attached only while a session is open. */
SEC("tp_btf/sys_exit")
int call_returned(u64 *context)
{
	s32 result = context[1];
	if (result >= 0 || result < -4095)
		return 0;
	struct pt_regs *regs = (struct pt_regs *)context[0];
	struct task_struct *task = current_task();
	unsigned long number = regs->orig_ax & ~0x40000000ul; /* x32 */
	int compat = task->thread_info.status & 2;            /* TS_COMPAT */
	if (compat ? number != 11 && number != 358 : number != 59 && number != 322 && number != 520 && number != 545)
		return 0;
	return returned(result);
}

/* The exit of a session's first process: its pid in the recorder's namespace is in `firsts`. */
SEC("tp_btf/sched_process_exit")
int process_exited(u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	if (task->pid != task->tgid)
		return 0;
	struct event *event = begin(task, EXITED);
	if (!event)
		return 0;
	u32 pid = event->pid;
	if (!map_lookup(&firsts, &pid))
		return 0;
	event->result = task->exit_code;
	send(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
