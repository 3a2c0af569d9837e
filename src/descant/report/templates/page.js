// Within another page (Snakemake's report) there are no siblings beside this one: its links to them lead nowhere.
if (self !== top) {
  document.querySelector(".site")?.remove();
  for (const link of document.querySelectorAll('a[href*=".html"]')) link.removeAttribute("href");
}
// One clip is heard at a time.
document.addEventListener("play", (event) => {
  for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
}, true);
// Over every figure stands a slider whose thumb is the line that moves with the sound; it seeks by pointer and by key.
for (const slider of document.querySelectorAll(".seek")) {
  const audio = slider.closest(".clip").querySelector("audio");
  const announce = () => {
    slider.setAttribute("aria-valuetext", `${audio.currentTime.toFixed(1)} of ${audio.duration.toFixed(1)} seconds`);
  };
  const move = () => {
    if (audio.duration) slider.value = audio.currentTime / audio.duration;
  };
  const follow = () => {
    move();
    if (!audio.paused && !matchMedia("(prefers-reduced-motion: reduce)").matches) requestAnimationFrame(follow);
  };
  const ready = () => { slider.hidden = false; announce(); };
  if (audio.readyState) ready(); else audio.addEventListener("loadedmetadata", ready);
  audio.addEventListener("play", follow);
  audio.addEventListener("seeked", () => { move(); announce(); });
  audio.addEventListener("timeupdate", () => { move(); announce(); });
  slider.addEventListener("input", () => { audio.currentTime = slider.value * audio.duration; });
  slider.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (audio.paused) audio.play(); else audio.pause();
  });
}
