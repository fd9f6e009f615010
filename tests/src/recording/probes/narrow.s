# A 32-bit program: runs /bin/true with the arguments `narrow` and `32-bit` through int 0x80, number 11.
	.data
path:	.asciz "/bin/true"
name:	.asciz "narrow"
word:	.asciz "32-bit"
argv:	.long name, word, 0
	.text
	.globl _start
_start:
	movl $11, %eax
	movl $path, %ebx
	movl $argv, %ecx
	xorl %edx, %edx
	int $0x80
	movl $1, %eax
	movl $30, %ebx
	int $0x80
