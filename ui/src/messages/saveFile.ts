/** Saves bytes of the page under a name, where downloads go. */
export function saveBlob(blob: Blob, name: string): void {
  // Nothing that a browser would open in place of saving it.
  const address = URL.createObjectURL(blob.slice(0, blob.size, 'application/octet-stream'));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The web view takes the bytes after this turn.
  window.setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
