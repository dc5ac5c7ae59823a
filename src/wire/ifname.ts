// Names of network interfaces.

/** Size of an interface's name with its NUL: include/uapi/linux/if.h. */
export const IFNAMSIZ = 16;
