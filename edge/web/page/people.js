// The cards of the people in the picture, and the last minute of each of them.

const MINUTE = 60;
const GAP = 1; // seconds that a face may be missed without a break in its line
const SILENCE = 5; // the same where no results came at all
const GONE = 1.5; // seconds after which its card goes

export const name = (label, certain) => (certain ? label : `${label}?`);
const percent = (share) => `${Math.round(share * 100)}%`;

export function make(tag, classes = "", text = "") {
  const element = document.createElement(tag);
  element.className = classes;
  element.textContent = text;
  return element;
}

/** People by track; of faces that are not followed, by their place in the result. */
export class People {
  #cards;
  #lines;
  #people = new Map();
  #taken = 0;

  constructor(cards, lines) {
    this.#cards = cards;
    this.#lines = lines;
  }

  get count() {
    return [...this.#people.values()].filter((person) => person.face).length;
  }

  get lines() {
    return this.#lines.childElementCount;
  }

  clear() {
    this.#people.clear();
    this.#cards.replaceChildren();
    this.#lines.replaceChildren();
  }

  /** Takes the faces of one result at a time in seconds; draws nothing yet. */
  take(faces, time) {
    for (const [key, person] of this.#people) if (!person.track) this.#people.delete(key);
    faces.forEach((face, place) => {
      const key = face.track ? `track ${face.track}` : `face ${place + 1}`;
      if (!this.#people.has(key)) this.#people.set(key, new Person(face.track, place + 1));
      this.#people.get(key).take(face, time, this.#taken);
    });
    this.#taken = time;
  }

  draw(time) {
    for (const [key, person] of this.#people) {
      if (!person.forget(time)) this.#people.delete(key);
    }
    const all = [...this.#people.values()].sort((a, b) => a.order - b.order);
    for (const person of all) person.draw(time);
    settle(this.#cards, all.filter((person) => person.face).map((person) => person.card));
    settle(this.#lines, all.filter((person) => person.track).map((person) => person.line));
  }
}

/** Makes elements the children of a parent, touching only what changes. */
function settle(parent, elements) {
  for (const child of [...parent.children]) if (!elements.includes(child)) child.remove();
  elements.forEach((element, n) => {
    if (parent.children[n] !== element) parent.insertBefore(element, parent.children[n] ?? null);
  });
}

class Person {
  face = null;
  #seen = 0;
  #spans = [];
  #rows = new Map();

  constructor(track, place) {
    this.track = track;
    this.order = track ?? place;
    this.title = track ? `Person ${track}` : `Face ${place}`;
    this.#makeCard();
    this.line = make("div", "line");
    this.bar = make("div", "spans");
    this.bar.setAttribute("role", "img");
    this.line.append(make("span", "who", this.title), this.bar);
  }

  /** Takes what was found at time; the result before it came at an earlier one. */
  take(face, time, earlier) {
    this.face = face.smoothed ?? face;
    const joins = time - this.#seen < (this.#seen > earlier - GAP ? SILENCE : GAP);
    const { label, certain, probabilities } = this.face;
    const last = this.#spans.at(-1);
    if (last && joins && last.label === label && last.certain === certain) {
      last.to = time;
    } else {
      const order = Object.keys(probabilities).indexOf(label) % 9;
      const element = make("span", `span k${order}${certain ? "" : " unsure"}`, name(label, certain));
      if (last && joins) last.to = time;
      this.#spans.push({ label, certain, from: time, to: time, element });
    }
    this.#seen = time;
  }

  /** Forgets what is older than a minute; returns whether anything is left. */
  forget(time) {
    this.#spans = this.#spans.filter((span) => time - span.to < MINUTE);
    if (this.track && time - this.#seen > GONE) this.face = null;
    return Boolean(this.face || (this.track && this.#spans.length));
  }

  draw(time) {
    if (this.face) this.#drawCard(time - this.#seen > GONE / 2 && Boolean(this.track));
    const place = (at) => Math.max(0, 100 * (1 - (time - at) / MINUTE));
    for (const { from, to, element } of this.#spans) {
      element.style.left = `${place(from)}%`;
      element.style.width = `${Math.max(place(to) - place(from), 0.3)}%`;
    }
    settle(this.bar, this.#spans.map((span) => span.element));
    const told = this.#spans.map((span) => `${name(span.label, span.certain)} ${Math.round(span.to - span.from)} s`);
    this.bar.setAttribute("aria-label", `${this.title}: ${told.join(", ")}`);
  }

  #makeCard() {
    this.card = make("article", "card");
    this.card.setAttribute("aria-label", this.title);
    const head = make("header");
    this.sure = make("span", "sure");
    head.append(make("h3", "", this.title), this.sure);
    const says = make("p", "says");
    this.label = make("strong");
    this.score = make("span", "score");
    says.append(this.label, this.score);
    this.bars = make("ul", "bars");
    this.card.append(head, says, this.bars);
  }

  #drawCard(stale) {
    const { label, score, certain, probabilities } = this.face;
    const order = Object.keys(probabilities).indexOf(label) % 9;
    this.card.className = `card e${order}${certain ? "" : " unsure"}${stale ? " stale" : ""}`;
    this.label.textContent = name(label, certain);
    this.score.textContent = percent(score);
    this.sure.textContent = stale ? "not seen now" : certain ? "certain" : "not certain";
    Object.entries(probabilities).forEach(([each, value], n) => this.#drawBar(each, value, n, each === label));
  }

  #drawBar(label, value, n, leads) {
    if (!this.#rows.has(label)) {
      const row = make("li");
      const groove = make("span", "groove");
      const fill = make("span", `fill k${n % 9}`);
      const share = make("span", "share");
      groove.append(fill);
      row.append(make("span", "label", label), groove, share);
      this.bars.append(row);
      this.#rows.set(label, { row, fill, share });
    }
    const { row, fill, share } = this.#rows.get(label);
    row.className = leads ? "leads" : "";
    fill.style.width = `${100 * value}%`;
    share.textContent = percent(value);
  }
}
