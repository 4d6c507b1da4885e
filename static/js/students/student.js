// The student page: it follows the class's socket, and fetched parts are added to the page.
import { follow } from "../base/class_page.js";
import { followStudent } from "./student_view.js";

const view = followStudent(document.querySelector("[data-student-view]"), { top: () => 0 });
follow({ onOpen: view.refresh, onFrame: view.receive });
