// The links that open the drawer, and which of them stand before and after one in its list.

/** The student's id in an address of their page, or undefined. */
export const studentOf = (address) => new URL(address, location.href).pathname.match(/\/students\/(\d+)\/$/)?.[1];

export const links = () => [...document.querySelectorAll("a[data-drawer]")];
export const linkTo = (id) => links().find((link) => studentOf(link.href) === id && isVisible(link));

const isVisible = (link) => link.getClientRects().length > 0;
const listOf = (link) => link.closest("[data-drawer-list], table, [role=grid], ol, ul") ?? document.body;

/** The link to the next student (`by` 1) or the one before (-1) in the list of `link`, in the order on the screen. The
 *  list may have been drawn again since: then the list is where the student's link is now. */
export function neighbour(link, id, by) {
  const here = link?.isConnected ? link : linkTo(id);
  if (!here) return undefined;
  const firsts = new Map(); // a list may have several links to a student
  for (const other of listOf(here).querySelectorAll("a[data-drawer]")) {
    const student = studentOf(other.href);
    if (student && isVisible(other) && !firsts.has(student)) firsts.set(student, other);
  }
  const students = [...firsts.keys()];
  const index = students.indexOf(id);
  return index < 0 ? undefined : firsts.get(students[index + by]);
}
