// The links that open the drawer, which of them stand before and after one in its list, and how the address of a page
// says who is in the drawer.

/** The student's id in an address of their page, or undefined. */
export const studentOf = (address) => String(address).match(/\/students\/(\d+)\/(?:[?#]|$)/)?.[1];

/** All links to a student; a heat map has thousands of links, so the browser searches them. */
export const linksTo = (id) => [...document.querySelectorAll(`a[data-drawer][href*="/students/${id}/"]`)];
export const linkTo = (id) => linksTo(id).find(isVisible);

const isVisible = (link) => link.getClientRects().length > 0;
const listOf = (link) => link.closest("[data-drawer-list], table, [role=grid], ol, ul") ?? document.body;

/** The link to the next student (`by` 1) or the one before (-1) in the list of `link`, in the order on the screen. The
 *  list may have been drawn again since: then the list is where the student's link is now. */
export function neighbour(link, id, by) {
  const here = link?.isConnected ? link : linkTo(id);
  if (!here) return undefined;
  const firsts = new Map(); // a list may have several links to a student
  for (const other of listOf(here).querySelectorAll("a[data-drawer]")) {
    const student = studentOf(other.getAttribute("href"));
    if (student && !firsts.has(student) && isVisible(other)) firsts.set(student, other);
  }
  const students = [...firsts.keys()];
  const index = students.indexOf(id);
  return index < 0 ? undefined : firsts.get(students[index + by]);
}

export const placeOf = (path) => `#student-${studentOf(path)}${new URL(path, location.href).search}`;

/** The address of the student that such a place names, or undefined; `room` is the address of the room. */
export function pathIn(place, room) {
  const [, id, query = ""] = place.match(/^#student-(\d+)(\?.*)?$/) ?? [];
  return id && new URL(`students/${id}/${query}`, new URL(room, location.href)).href;
}
