import type { VNode } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { filtered, pictureOf } from "../model/picture.ts";
import { NO_NODE } from "../model/reports.ts";
import { Details } from "./details.tsx";
import { Scene } from "./scene.tsx";
import { listen, type State } from "./store.ts";
import { TimeLineView } from "./time-line.tsx";

const EMPTY: State = { picture: pictureOf([], NO_NODE), generations: [], trouble: "", isThere: false };

export function App(): VNode {
  const [state, setState] = useState(EMPTY);
  const [search, setSearch] = useState("");
  const [selected, setSelected] = useState<string>();
  const searchField = useRef<HTMLInputElement>(null);
  useEffect(() => listen(setState), []);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      searchField.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const { picture, generations, trouble, isThere } = state;
  const shown = useMemo(() => filtered(picture, search), [picture, search]);
  const found = shown.networks.reduce((sum, { attachments }) => sum + attachments.length, 0);
  const attachment = useMemo(
    () => picture.networks.flatMap(({ attachments }) => attachments).find(({ key }) => key === selected),
    [picture, selected],
  );
  const close = useCallback(() => setSelected(undefined), []);
  return (
    <>
      <header>
        <h1>bauta</h1>
        <label>
          Filter
          <input
            ref={searchField}
            type="search"
            placeholder="container, network or address"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        <p role="status">{isThere ? `${found} of ${picture.attachments} attachments` : "Asking bauta…"}</p>
        <button
          type="button"
          class={picture.ill > 0 ? "alarm" : ""}
          aria-pressed={search === "is:ill"}
          onClick={() => setSearch(search === "is:ill" ? "" : "is:ill")}
        >
          {picture.ill > 0 ? `✕ ${picture.ill} with a fault` : "✓ no faults"}
        </button>
      </header>
      {trouble === "" ? null : (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
      <main>
        <Scene picture={shown} selected={selected} onSelect={setSelected} />
        {attachment === undefined ? null : <Details attachment={attachment} onClose={close} />}
      </main>
      <TimeLineView generations={generations} />
    </>
  );
}
