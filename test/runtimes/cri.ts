// What a kubelet asks a runtime for: sandboxes of pods, over gRPC (k8s.io/cri-api, pkg/apis/runtime/v1/api.proto).

import { type ClientHttp2Session, connect, constants } from "node:http2";
import { connect as connectSocket } from "node:net";
import type { Published } from "../e2e/masquerade/published.ts";
import { decode, encode, type Fields } from "./protobuf.ts";

/** The parts of a sandbox's configuration that differ. */
export interface Pod {
  readonly name: string;
  readonly cgroupParent: string;
  readonly logDirectory: string;
  readonly published?: readonly Published[];
  /** In the network of the node, so that no CNI plugin is asked. */
  readonly isHostNetwork?: boolean;
}

/** A container in a pod, in the words of Kubernetes' manifests. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly mounts: readonly { readonly containerPath: string; readonly hostPath: string }[];
  readonly runAsUser: number;
  readonly drop: readonly string[];
  readonly readOnlyRootFilesystem: boolean;
  readonly allowPrivilegeEscalation: boolean;
}

/** enum NamespaceMode */
const NODE = 2;

/** enum Protocol */
const PROTOCOL = { tcp: 0, udp: 1 } as const;

export class CriClient {
  readonly #session: ClientHttp2Session;

  /** @param path The socket that the runtime listens on. */
  constructor(path: string) {
    this.#session = connect("http://localhost", { createConnection: () => connectSocket(path) });
  }

  close(): void {
    this.#session.close();
  }

  /** RunPodSandbox; returns the sandbox's id. */
  async run(pod: Pod): Promise<string> {
    return textOf(await this.#call("RunPodSandbox", { 1: this.#configOf(pod) }), 1);
  }

  #configOf({ name, cgroupParent, logDirectory, published = [], isHostNetwork = false }: Pod): Fields {
    const metadata = { 1: name, 2: `uid-of-${name}`, 3: "default" };
    const portMappings = published.map(({ protocol, containerPort, hostPort }) => {
      return { 1: PROTOCOL[protocol], 2: containerPort, 3: hostPort };
    });
    const security = isHostNetwork ? { 2: { 1: { 1: NODE } } } : {};
    const hostname = isHostNetwork ? "" : name; // as a kubelet has it: such a pod has the node's name
    return { 1: metadata, 2: hostname, 3: logDirectory, 5: portMappings, 8: { 1: cgroupParent, ...security } };
  }

  /** CreateContainer with the image's own command, and StartContainer; returns the container's id. */
  async start(sandbox: string, pod: Pod, container: Container): Promise<string> {
    const { name, image, mounts, runAsUser, drop, readOnlyRootFilesystem, allowPrivilegeEscalation } = container;
    const security = {
      1: { 2: drop },
      3: pod.isHostNetwork === true ? { 1: NODE } : {},
      5: { 1: runAsUser },
      7: Number(readOnlyRootFilesystem),
      11: Number(!allowPrivilegeEscalation),
      15: { 1: 0 }, // RuntimeDefault
    };
    const config = {
      1: { 1: name },
      2: { 1: image },
      7: mounts.map(({ containerPath, hostPath }) => ({ 1: containerPath, 2: hostPath })),
      11: `${name}.log`,
      15: { 2: security },
    };
    const created = await this.#call("CreateContainer", { 1: sandbox, 2: config, 3: this.#configOf(pod) });
    const id = textOf(created, 1);
    await this.#call("StartContainer", { 1: id });
    return id;
  }

  /** ContainerStatus: why the container has ended, "Completed" or "Error"; undefined while it has not. */
  async reason(id: string): Promise<string | undefined> {
    const status = decode(only(await this.#call("ContainerStatus", { 1: id }), 1));
    return status.get(10)?.[0]?.toString() || undefined;
  }

  /** The addresses of a sandbox, the first of them first, and its first process. PodSandboxStatus with all it has to say. */
  async status(id: string): Promise<{ addresses: string[]; pid: number }> {
    const reply = await this.#call("PodSandboxStatus", { 1: id, 2: 1 });
    const network = decode(only(decode(only(reply, 1)), 5));
    const more = (network.get(2) ?? []).map((ip) => textOf(decode(ip), 1));
    const info = (reply.get(2) ?? []).map(decode).find((entry) => textOf(entry, 1) === "info");
    if (info === undefined) throw new Error("the status has no info");
    return { addresses: [textOf(network, 1), ...more], pid: JSON.parse(textOf(info, 2)).pid };
  }

  /** UpdateRuntimeConfig: the node's ranges for pods. */
  async setPodCidrs(...ranges: readonly string[]): Promise<void> {
    await this.#call("UpdateRuntimeConfig", { 1: { 1: { 1: ranges.join(",") } } });
  }

  async stop(id: string): Promise<void> {
    await this.#call("StopPodSandbox", { 1: id });
  }

  async remove(id: string): Promise<void> {
    await this.#call("RemovePodSandbox", { 1: id });
  }

  /** One call, with one message each way: five bytes in front of it tell that it is not compressed, and how long it is. */
  async #call(method: string, fields: Fields): Promise<Map<number, Buffer[]>> {
    const stream = this.#session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: `/runtime.v1.RuntimeService/${method}`,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      te: "trailers",
    });
    const message = encode(fields);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([prefix, message]));
    let trailers: Record<string, unknown> = {};
    const keep = (headers: Record<string, unknown>): void => {
      trailers = { ...trailers, ...headers };
    };
    stream.on("response", keep).on("trailers", keep);
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part);
    const { "grpc-status": status, "grpc-message": text } = trailers;
    if (status !== "0") throw new Error(`${method}: gRPC status ${status}: ${decodeURIComponent(String(text))}`);
    return decode(Buffer.concat(parts).subarray(5));
  }
}

function only(message: Map<number, Buffer[]>, number: number): Buffer {
  const [value] = message.get(number) ?? [];
  if (value === undefined) throw new Error(`the reply has no field ${number}`);
  return value;
}

function textOf(message: Map<number, Buffer[]>, number: number): string {
  return only(message, number).toString();
}
