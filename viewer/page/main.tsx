import { render } from "preact";
import { App } from "./app.tsx";
import "../picture/picture.css";
import "./style.css";

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
