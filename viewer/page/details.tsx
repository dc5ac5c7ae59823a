import type { VNode } from "preact";
import { type Attachment, familyName } from "../model/picture.ts";
import { FAMILIES } from "../model/prefixes.ts";

/** All that is known of one attachment. */
export function Details({ attachment, onClose }: { attachment: Attachment; onClose: () => void }): VNode {
  const { container, network, ifname, sides, ports, others, options, fault, health } = attachment;
  const from = (sides[4] ?? sides[6])?.addresses[0]?.replace(/\/\d+$/, "");
  return (
    <aside aria-label={`Details of ${container}`} class={health}>
      <button type="button" onClick={onClose} aria-label="Close the details">
        ✕
      </button>
      <h2>{container}</h2>
      <p>
        {ifname} on network {network}
      </p>
      {fault === "" ? null : <p class="fault">✕ {fault}</p>}
      <dl>
        {FAMILIES.map((family) => {
          const side = sides[family];
          if (side === undefined) return null;
          return (
            <div key={family}>
              <dt class={`family-${family}`}>{familyName(family)}</dt>
              <dd>{side.addresses.join(", ")}</dd>
              <dd>{side.isMasqueraded ? `masqueraded by ${side.policy ?? "?"}` : `not masqueraded: ${side.state}`}</dd>
              <dd>
                {side.flows === undefined
                  ? "not counted"
                  : `${side.flows} flows, ${side.bytes ?? 0} bytes of first packets`}
              </dd>
            </div>
          );
        })}
        {ports.length === 0 ? null : (
          <div>
            <dt>Published ports</dt>
            {ports.map(({ text, families, state }) => (
              <dd key={text}>
                {text} ({families.map(familyName).join(" and ")}){state === "ok" ? "" : `: ${state}`}
              </dd>
            ))}
          </div>
        )}
        {others.length === 0 ? null : (
          <div>
            <dt>Besides</dt>
            {others.map(({ text, state }) => (
              <dd key={text}>
                {text}
                {state === "ok" ? "" : `: ${state}`}
              </dd>
            ))}
          </div>
        )}
        {options === undefined ? null : (
          <div>
            <dt>ipMasqOptions</dt>
            <dd>
              <code>{options}</code>
            </dd>
          </div>
        )}
      </dl>
      {from === undefined ? null : (
        <p>
          What becomes of a packet: <code>bauta explain --from {from} --to ADDRESS --port 443</code>
        </p>
      )}
    </aside>
  );
}
