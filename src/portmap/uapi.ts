// include/uapi/linux/in.h, in the kernel's spelling: the protocols that have ports where TCP has them.

export const IPPROTO = { TCP: 6, UDP: 17, DCCP: 33, SCTP: 132, UDPLITE: 136 } as const;
