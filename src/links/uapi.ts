// Numbers of the driver of taps, with the kernel's spelling.

// include/uapi/linux/if_tun.h; the requests are the same on x86-64 and arm64
export const TUNSETIFF = 0x400454ca;
export const TUNSETPERSIST = 0x400454cb;
export const TUNSETOWNER = 0x400454cc;
export const TUNSETGROUP = 0x400454ce;

/** What a TUNSETIFF asks for. */
export const IFF = { TAP: 0x2, NO_PI: 0x1000, VNET_HDR: 0x4000, TUN_EXCL: 0x8000, MULTI_QUEUE: 0x100 } as const;
