"use strict";
// The page shows what the ceremony sends, counts seconds, and says when it is cut off.

const now = document.getElementById("now");
const said = document.getElementById("said");
const trouble = document.getElementById("trouble");
let began = 0;

// begin takes over what has come.
function begin() {
	const time = now.querySelector("[data-elapsed]");
	if (time) began = performance.now() - 1000 * time.dataset.elapsed;
	const sentence = now.querySelector("[data-said]").dataset.said;
	if (said.textContent !== sentence) said.textContent = sentence;
}

function tick() {
	const time = now.querySelector("[data-elapsed]");
	if (!time) return;
	const two = n => String(Math.floor(n)).padStart(2, "0");
	const seconds = (performance.now() - began) / 1000;
	time.textContent = Math.floor(seconds / 3600) + ":" + two(seconds / 60 % 60) + ":" + two(seconds % 60);
}

const events = new EventSource("events");
events.onmessage = event => {
	trouble.textContent = "";
	now.innerHTML = event.data;
	begin();
	if (now.querySelector("[data-ended]")) events.close();
};
events.onerror = () => {
	trouble.textContent = events.readyState === EventSource.CLOSED
		? "This page is shut. The ceremony's terminal shows the address of a new one."
		: "No connection to the ceremony. This page goes on by itself as soon as there is one.";
};
begin();
setInterval(tick, 1000);
