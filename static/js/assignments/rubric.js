// Ticks of the rubric and saved comments fill in the form of a grade. Without this script their buttons ask the server.

/** The sum of the ticks, from 0 up to the points of the assignment; null if nothing is ticked. */
function proposed(rubric) {
  const ticked = [...rubric.querySelectorAll("input:checked")];
  if (!ticked.length) return null;
  const sum = ticked.reduce((total, tick) => total + Number(tick.dataset.points), 0);
  const most = rubric.dataset.most === "" ? Infinity : Number(rubric.dataset.most);
  return Math.min(Math.max(Number(sum.toFixed(10)), 0), most);
}

const words = (score) => (score === null ? "" : String(score));

function change(field, value) {
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true })); // unsaved, and kept as a draft
}

/** A tick changes the grade where the grade is empty or was proposed; one that somebody typed stays. */
function followTicks(form, rubric) {
  const grade = form.elements.grade;
  const output = rubric.querySelector("[data-proposed]");
  let last = words(proposed(rubric));
  rubric.addEventListener("change", () => {
    const score = words(proposed(rubric));
    output.value = score || "–";
    if (grade.value.trim() === "" || grade.value === last) change(grade, score);
    last = score;
  });
  rubric.querySelector("[value=propose]").addEventListener("click", (event) => {
    event.preventDefault();
    if (last !== "") change(grade, last);
    grade.focus();
  });
}

export function fillIn(form) {
  const rubric = form.querySelector(".rubric");
  if (rubric) followTicks(form, rubric);
  for (const button of form.querySelectorAll("[name=insert]")) {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      const feedback = form.elements.feedback;
      const comment = button.closest("li").querySelector("[data-comment]").textContent;
      const before = feedback.value.trimEnd();
      change(feedback, before ? `${before}\n${comment}` : comment);
      feedback.focus();
    });
  }
}
