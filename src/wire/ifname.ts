// Names of network interfaces.

/** Size of an interface's name with its NUL: include/uapi/linux/if.h. */
export const IFNAMSIZ = 16;

/** Size of an alternative name with its NUL: include/uapi/linux/if.h. */
export const ALTIFNAMSIZ = 128;
