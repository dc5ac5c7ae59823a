/**
 * Asks the kernel for one thing. False where it accepts what it is asked for, and yet does not do it; throws where it
 * refuses.
 */
export type Probe = () => boolean;
