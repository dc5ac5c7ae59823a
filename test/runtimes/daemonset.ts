// The DaemonSet of deploy/kubernetes, as a kubelet reads it: what the pods' first container is, and what the container may do.

import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Json } from "../e2e/masquerade/runtime.ts";
import type { Container } from "./cri.ts";

const { spec }: Json = parse(readFileSync("deploy/kubernetes/install.yaml", "utf8")).spec.template;

/** The container that installs. Throws where the manifest has something in it that this does not pass on. */
export function installer(): Container {
  const [{ name, image, securityContext, volumeMounts, imagePullPolicy: _, ...others }, ...more] = spec.initContainers;
  const { runAsUser, capabilities, readOnlyRootFilesystem, allowPrivilegeEscalation, ...security } = securityContext;
  const rest = { others, more, security };
  const known = { others: {}, more: [], security: { privileged: false, seccompProfile: { type: "RuntimeDefault" } } };
  if (JSON.stringify(rest) !== JSON.stringify(known)) throw new Error(`not passed on: ${JSON.stringify(rest)}`);
  const mounts = volumeMounts.map(({ name: volume, mountPath }: Json) => {
    const { hostPath } = spec.volumes.find((one: Json) => one.name === volume);
    return { containerPath: mountPath, hostPath: hostPath.path };
  });
  const { drop } = capabilities;
  return { name, image, mounts, runAsUser, drop, readOnlyRootFilesystem, allowPrivilegeEscalation };
}

export const isHostNetwork: boolean = spec.hostNetwork;
