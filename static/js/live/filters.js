// The filter of the cards, stored in the query string, so that it survives a reload and works in shared links.
const form = document.getElementById("filter");
const shown = document.querySelector("[data-shown]");
const nobody = document.querySelector("[data-nobody]");

const field = (card, name) => card.querySelector(`[data-field="${name}"]`).textContent;

/** Full-width as half-width and without case, about as `label_key` of core/identity.py has it. */
const plain = (text) => text.normalize("NFKC").toLowerCase();

/** The same rule as `Filter.matches` in classroom/base/student_filters.py. */
function matches(card, { text, team, status }) {
  const searched = [field(card, "name"), card.dataset.email, field(card, "team"), field(card, "notebook")].join(" ");
  return plain(searched).includes(text)
    && (!team || team === field(card, "team"))
    && (!status || status === card.dataset.status);
}

export function filterCards(cards, texts) {
  const wanted = {
    text: plain(form.elements.q.value.trim()),
    team: form.elements.team.value,
    status: form.elements.status.value,
  };
  let visible = 0;
  for (const card of cards) {
    const keep = matches(card, wanted);
    if (card.hidden === keep) card.hidden = !keep;
    visible += keep;
  }
  const filtered = Object.values(wanted).some(Boolean);
  const sentence = filtered ? texts.shown.replace("{shown}", visible).replace("{all}", cards.length) : "";
  if (shown.textContent !== sentence) shown.textContent = sentence;
  nobody.hidden = !filtered || visible > 0 || cards.length === 0;
}

/** Adds new teams to the choices. */
export function offerTeam(name) {
  const { options } = form.elements.team;
  if (name && ![...options].some((option) => option.value === name)) form.elements.team.add(new Option(name));
}

function remember() {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
}

export function onFilter(changed) {
  const listen = () => { remember(); changed(); };
  form.addEventListener("input", listen);
  form.addEventListener("submit", (event) => { event.preventDefault(); listen(); });
}
