/// The page of a verification in a browser.
module Cli.Tests.PageBrowserTests

open System
open System.IO
open Expecto
open Cli.Tests.Browser
open Cli.Tests.PageScene
open Cli.Tests.Support
open Cli.Tests.VerifyScene

/// Keeps the pictures in the folder that PAGE_PICTURES names, for people to look at.
let private keep (name: string) (picture: byte[]) =
    match Environment.GetEnvironmentVariable "PAGE_PICTURES" with
    | null -> ()
    | folder -> File.WriteAllBytes(Path.Join(folder, $"{name}.png"), picture)

let private manyRuns: Run list = [
    for run in 0..49 ->
        noon.AddHours(float run * 9.), [ for i in 1..100 -> $"shard-{run:D2}/part-{i:D3}.parquet" ]
]

/// What an auditor has, and the options of the verification.
let private scenes: (string * (unit -> PageScene * string list)) list = [
    "intact",
    (fun () ->
        let scene = new PageScene(threeRuns)
        scene, scene.All @ [ "--head"; scene.Head ])
    "tampered",
    (fun () ->
        let scene = new PageScene(threeRuns)
        let head = scene.Head
        tamper scene
        scene, scene.All @ [ "--head"; head ])
    "empty",
    (fun () ->
        let scene = new PageScene([])
        scene, scene.All)
    "receipts alone",
    (fun () ->
        let scene = new PageScene(threeRuns)
        scene, List.take 2 scene.All)
    "long names",
    (fun () ->
        let name = String('n', 250)

        let scene =
            new PageScene([ noon, [ $"{name}/{name}/{name}/{name}"; "שלום/ملف.txt"; "漢字" ] ])

        File.Delete(scene.At "out/漢字")
        scene, scene.All)
    "5,000 receipts",
    (fun () ->
        let scene = new PageScene(manyRuns)
        File.AppendAllText(scene.At "out/shard-31/part-007.parquet", "x")
        scene, scene.All @ [ "--head"; scene.Head ])
]

/// The texts whose contrast with what is behind them is below the given ratio.
let private faint (ratio: float) =
    $$"""
(() => {
  const channel = value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parse = text => text.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (texts.nextNode() && seen < 3000) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || element.closest('script, style') || !element.getClientRects().length) continue;
    seen++;
    const [a, b] = [parse(getComputedStyle(element).color), behind(element)].map(luminance).sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < {{ratio}}) found.add(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return seen < 10 ? 'there is too little text' : Array.from(found).join(', ');
})()
"""

let private overflow = "document.documentElement.scrollWidth - window.innerWidth"

/// The names of the artifacts that are shown, in their order.
let private shownNames =
    "Array.from(document.querySelectorAll('#table tbody tr:not([hidden]) .name'), name => name.textContent).join('|')"

let private inBrowser (work: Browser -> Threading.Tasks.Task<unit>) =
    task {
        requireBrowser ()
        use! browser = Browser.Start()
        do! work browser
    }

[<Tests>]
let tests =
    testList "the page in a browser" [
        for name, make in scenes do
            testCaseTask $"fits desktops and phones in both schemes, and loads nothing: {name}" (fun () ->
                inBrowser (fun browser ->
                    task {
                        let scene, arguments = make ()
                        use scene = scene
                        let! _ = scene.Page arguments
                        let path = scene.At "page.html"

                        for width in [ 1280; 390 ] do
                            for scheme in [ "light"; "dark" ] do
                                let! tab = browser.Tab()
                                do! tab.Open(path, "", width, scheme, "screen")
                                let what = $"{name}, {width}, {scheme}"
                                let! beyond = tab.Evaluate overflow
                                Expect.isLessThanOrEqual (beyond.GetInt32()) 0 $"{what}: no part is outside"
                                let! faint = tab.Evaluate(faint 4.5)
                                Expect.equal (faint.GetString()) "" $"{what}: each text can be read"

                                Expect.equal
                                    (List.filter (fun (url: string) -> url <> "data:,") tab.Requests)
                                    [ Uri(path).AbsoluteUri ]
                                    $"{what}: nothing but the page"

                                Expect.equal tab.Complaints [] $"{what}: the policy is kept"

                                let! picture = tab.Picture(name <> "5,000 receipts")
                                keep $"{name} {width} {scheme}" picture
                    }))

        testCaseTask "finds and sorts artifacts" (fun () ->
            inBrowser (fun browser ->
                task {
                    use scene = new PageScene(threeRuns)
                    tamper scene
                    let! _ = scene.Page scene.All

                    let names fragment =
                        task {
                            let! tab = browser.Tab()
                            do! tab.Open(scene.At "page.html", fragment, 1280, "light", "screen")
                            let! names = tab.Evaluate shownNames
                            let! output = tab.Evaluate "document.getElementById('shown').textContent"

                            return
                                tab,
                                (nonNull (names.GetString())).Split '|' |> List.ofArray,
                                output.GetString()
                        }

                    let! _, all, output = names ""
                    Expect.equal output "11 of 11 listed" "all of them"
                    let! _, logs, output = names "#q=LOGS/"
                    Expect.equal (List.sort logs) [ "logs/stderr.txt"; "logs/stdout.txt" ] "in any case"
                    Expect.equal output "2 of 11 listed" "which is said"
                    let! _, missing, _ = names "#status=missing"
                    Expect.equal missing [ "trace.bin" ] "by status"
                    let! _, none, output = names "#q=nothing+has+this+name"
                    Expect.equal (none, output) ([ "" ], "0 of 11 listed") "no artifact"
                    let! tab, rising, _ = names "#sort=artifact"

                    Expect.equal
                        rising
                        (List.sortWith (fun a b -> String.CompareOrdinal(a, b)) all)
                        "by name"

                    let! _ = tab.Evaluate "document.querySelector('#table th button').click() ?? ''"
                    let! names = tab.Evaluate shownNames

                    Expect.equal
                        (List.ofArray ((nonNull (names.GetString())).Split '|'))
                        (List.rev rising)
                        "by a click"

                    let! order = tab.Evaluate "document.querySelector('#table th').ariaSort"
                    Expect.equal (order.GetString()) "descending" "for screen readers"

                    let! _ =
                        tab.Evaluate
                            "(() => { const s = document.getElementById('search'); s.value = 'cpu'; s.dispatchEvent(new Event('input')); return ''; })()"

                    let! names = tab.Evaluate shownNames
                    Expect.equal (names.GetString()) "metrics/cpu.csv" "by typing"
                }))

        testCaseTask "prints, and can be read without its script" (fun () ->
            inBrowser (fun browser ->
                task {
                    use scene = new PageScene(threeRuns)
                    let! _, _, page = scene.Page scene.All
                    let path = scene.At "page.html"
                    let! tab = browser.Tab()
                    do! tab.Open(path, "", 800, "dark", "print")
                    let! back = tab.Evaluate "getComputedStyle(document.body).backgroundColor"
                    Expect.equal (back.GetString()) "rgb(255, 255, 255)" "paper is white"

                    let! tools =
                        tab.Evaluate "getComputedStyle(document.getElementById('tools')).display"

                    Expect.equal (tools.GetString()) "none" "there is no search on paper"
                    let! faint = tab.Evaluate(faint 4.5)
                    Expect.equal (faint.GetString()) "" "each text can be read"
                    let! picture = tab.Picture true
                    keep "print" picture
                    let at = page.IndexOf "<script>"
                    File.WriteAllText(path, page.Remove(at, page.IndexOf "</script>" - at))
                    let! tab = browser.Tab()
                    do! tab.Open(path, "", 1280, "light", "screen")
                    let! names = tab.Evaluate shownNames
                    Expect.equal ((nonNull (names.GetString())).Split('|').Length) 10 "each artifact"

                    let! tools =
                        tab.Evaluate "getComputedStyle(document.getElementById('tools')).display"

                    Expect.equal (tools.GetString()) "none" "and no search that does nothing"
                }))
    ]
