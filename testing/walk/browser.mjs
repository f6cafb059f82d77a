#!/usr/bin/env node
// Stands in for the system browser where nobody sits: walks the provider's login form over HTTP as a
// person would and follows the redirect back to the program. KONSIL_WALK_USER and
// KONSIL_WALK_PASSWORD say who signs in.

import { existsSync } from 'node:fs'

// As long as this file is there, the person has not begun to type.
while (existsSync(process.env.KONSIL_WALK_HOLD ?? '')) await new Promise((resolve) => setTimeout(resolve, 100))

const user = process.env.KONSIL_WALK_USER ?? 'dr-falkenried'
const password = process.env.KONSIL_WALK_PASSWORD ?? 'konsil'
// Cookies are carried by hand: some providers mark them Secure on http too, and browsers accept that on loopback.
const cookies = new Map()

async function go(url, options = {}) {
  for (let hops = 0; hops < 20; hops++) {
    const header = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await fetch(url, { ...options, redirect: 'manual', headers: { ...options.headers, cookie: header } })
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';')
      const at = pair.indexOf('=')
      cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    const place = answer.headers.get('location')
    if (answer.status < 300 || answer.status >= 400 || !place) return { url, text: await answer.text(), status: answer.status }
    url = new URL(place, url).href
    options = {}
  }
  throw new Error('too many redirects')
}

const unescape = (text) =>
  text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>')

const attribute = (tag, name) => {
  const found = tag.match(new RegExp(`${name}\\s*=\\s*"([^"]*)"`, 'i'))
  return found ? unescape(found[1]) : undefined
}

const page = await go(process.argv[2])
const form = [...page.text.matchAll(/<form[\s\S]*?<\/form>/gi)].map((m) => m[0]).find((f) => /type\s*=\s*"password"/i.test(f))
if (!form) {
  // A provider that still knows the person comes back without asking.
  process.exit(page.status === 200 ? 0 : 1)
}
const fields = new URLSearchParams()
for (const [tag] of form.matchAll(/<input[^>]*>/gi)) {
  const [name, kind] = [attribute(tag, 'name'), attribute(tag, 'type') ?? 'text']
  if (!name || kind === 'submit' || kind === 'checkbox') continue
  fields.set(name, kind === 'password' ? password : kind === 'text' || kind === 'email' ? user : (attribute(tag, 'value') ?? ''))
}
const target = new URL(attribute(form.match(/<form[^>]*>/i)[0], 'action') ?? page.url, page.url).href
const done = await go(target, {
  method: 'POST',
  body: fields.toString(),
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
})
process.exit(done.status === 200 ? 0 : 1)
