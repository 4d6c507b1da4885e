// The student page: it follows the class's socket, and fetched parts are added to the page.
import { startRoom } from "../base/class_page.js";
import { followStudent } from "./student_view.js";

const view = followStudent(document.querySelector("[data-student-view]"), { top: () => 0 });
startRoom({ onOpen: view.refresh, onFrame: view.receive });
