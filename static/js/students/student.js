// The student page: it follows the room, and what the reader asks for joins the page instead of replacing it.
import { startRoom } from "../base/class_page.js";
import { followStudent } from "./student_view.js";

const view = followStudent(document.querySelector("[data-student-view]"), { top: () => 0 });
startRoom({ onOpen: view.refresh, onFrame: view.receive });
