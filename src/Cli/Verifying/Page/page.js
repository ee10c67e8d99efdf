'use strict';
(() => {
  const table = document.getElementById('table');
  if (!table) return;
  const [tools, search, status, sort, shown] =
    ['tools', 'search', 'status', 'sort', 'shown'].map(id => document.getElementById(id));
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row, index) => ({ row, index, word: row.cells[1].firstElementChild.textContent }));
  const columns = Array.from(table.tHead.rows[0].cells);
  const number = new Intl.NumberFormat('en');
  let column = -1;
  let falling = false;

  const option = (select, value, text) => {
    const item = document.createElement('option');
    item.value = value;
    item.textContent = text;
    select.append(item);
  };
  new Set(rows.map(item => item.word)).forEach(word => option(status, word, word));
  option(sort, '', 'what failed first');
  columns.forEach((cell, at) => {
    option(sort, at + ' rising', cell.textContent + ', rising');
    option(sort, at + ' falling', cell.textContent + ', falling');
  });

  const filter = () => {
    const sought = search.value.trim().toLowerCase();
    let count = 0;
    for (const item of rows) {
      item.text ??= item.row.textContent.toLowerCase();
      const isShown = (!sought || item.text.includes(sought)) && (!status.value || item.word === status.value);
      item.row.hidden = !isShown;
      if (isShown) count++;
    }
    shown.textContent = `${number.format(count)} of ${number.format(rows.length)} listed`;
  };

  const key = item => {
    const cell = item.row.cells[column];
    return cell.dataset.key === undefined ? cell.textContent : Number(cell.dataset.key);
  };
  const arrange = () => {
    const sorted = rows.map(item => ({ item, key: column < 0 ? item.index : key(item) }));
    sorted.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) || a.item.index - b.item.index);
    if (falling) sorted.reverse();
    columns.forEach((cell, at) => {
      if (at === column) cell.setAttribute('aria-sort', falling ? 'descending' : 'ascending');
      else cell.removeAttribute('aria-sort');
    });
    sort.value = column < 0 ? '' : `${column} ${falling ? 'falling' : 'rising'}`;
    body.append(...sorted.map(each => each.item.row));
  };
  const sortBy = (at, isFalling) => {
    column = at;
    falling = isFalling;
    arrange();
  };

  columns.forEach((cell, at) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = cell.textContent;
    cell.replaceChildren(button);
    button.addEventListener('click', () => sortBy(at, column === at && !falling));
  });
  search.addEventListener('input', filter);
  status.addEventListener('change', filter);
  sort.addEventListener('change', () => {
    const [at, direction] = sort.value.split(' ');
    sortBy(sort.value ? Number(at) : -1, direction === 'falling');
  });

  // A link may ask for a search: #q=TEXT&status=WORD&sort=COLUMN&order=falling
  const follow = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    search.value = asked.get('q') ?? '';
    status.value = asked.get('status') ?? '';
    if (status.selectedIndex < 0) status.value = '';
    const at = columns.findIndex(cell => cell.textContent.toLowerCase() === asked.get('sort')?.toLowerCase());
    if (at >= 0) sortBy(at, asked.get('order') === 'falling');
    filter();
  };
  window.addEventListener('hashchange', follow);
  tools.hidden = false;
  follow();
})();
