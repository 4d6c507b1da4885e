// The account pages: copy what is shown once.
import { keepCopying } from "../base/copy.js";

keepCopying(JSON.parse(document.getElementById("setup-texts").textContent));
