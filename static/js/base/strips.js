// Scrolls a row of links that is wider than the screen to the link of this page.
for (const current of document.querySelectorAll(".tabs [aria-current], .setup-nav [aria-current]")) {
  const strip = current.closest("ul");
  const place = current.getBoundingClientRect();
  const room = strip.getBoundingClientRect();
  if (place.right > room.right || place.left < room.left) {
    strip.scrollLeft += place.left - room.left - (room.width - place.width) / 2;
  }
}
