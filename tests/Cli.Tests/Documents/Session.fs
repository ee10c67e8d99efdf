/// The pictures of docs/ that show what the programs print today. `./build.sh docs` makes them.
module Cli.Tests.Session

open System
open System.IO
open System.Security
open System.Text
open System.Text.RegularExpressions
open Expecto
open Cli.Tests.Browser
open Cli.Tests.Scene
open Cli.Tests.Support

let path = Path.Combine(root, "docs", "quickstart.svg")
let pagePath = Path.Combine(root, "docs", "audit-page.png")

/// The columns of the terminal, and the size of a character of it in the picture.
let private columns, width, height = 116, 7.8, 18.0

/// The receipts in JSON that are shown, of many.
let private shownReceipts = 2

/// What the quickstart prints on a terminal, as `script` records it.
let record () =
    task {
        if not (has "script") then
            skiptest "script is not installed"

        let program = builtProgram "samples/Quickstart" "Quickstart"
        let command = $"dotnet {quote program}"

        use child =
            new Child(
                "bash",
                [ "-c"; $"script -qec {quote command} /dev/null </dev/null" ],
                [ "TERM", "xterm" ]
            )

        let! struct (code, output, error) = child.End()
        Expect.equal code 0 (output + error)
        // Modes of the terminal, and nothing that is shown.
        return Regex.Replace(output, @"\x1b(\[[?0-9;]*[a-zA-Z]|[=>])", "").Replace("\r", "").TrimEnd()
    }

let private isWide (rune: Rune) =
    rune.Value >= 0x2E80 && rune.Value <= 0xFF60

let private cells (text: string) =
    text.EnumerateRunes() |> Seq.sumBy (fun rune -> if isWide rune then 2 else 1)

/// The beginning of a line that the terminal has room for.
let private cut (line: string) =
    if cells line <= columns then
        line
    else
        let mutable kept = line

        while cells kept >= columns do
            kept <- kept.Substring(0, kept.Length - 1)

        kept + "…"

/// The lines that the picture has: the command, and what it prints, with the receipts cut short.
let private shown (output: string) =
    let lines = output.Split '\n' |> List.ofArray
    let isReceipt (line: string) = line.StartsWith '{'
    let receipts = lines |> List.filter isReceipt
    let first = lines |> List.findIndex isReceipt
    let before, rest = List.splitAt first lines

    [ "$ ./build.sh quickstart" ]
    @ before
    @ List.truncate shownReceipts receipts
    @ [ $"… and {receipts.Length - shownReceipts} more receipts" ]
    @ List.skipWhile isReceipt rest
    |> List.map cut

/// A part of a line, which begins at its own column, whatever font there is.
let private span (x: float) (text: string) =
    let size = float (cells text) * width
    $"""<tspan x="{x:F1}" textLength="{size:F1}">{SecurityElement.Escape text}</tspan>"""

let private line (index: int) (text: string) =
    let parts = Regex.Matches(text, @"\S+( \S+)*")
    let y = 48.0 + float index * height

    let style =
        if index = 0 then "command"
        elif text.StartsWith '{' || text.StartsWith '…' then "small"
        elif text.Contains "read back and equal" then "good"
        else "plain"

    let spans =
        parts
        |> Seq.map (fun part ->
            span (18.0 + float (cells (text.Substring(0, part.Index))) * width) part.Value)
        |> String.concat ""

    $"""  <text class="{style}" y="{y:F0}">{spans}</text>"""

let render (output: string) =
    let lines = shown output
    let w = 36.0 + float columns * width
    let h = 62.0 + float lines.Length * height

    [
        $"""<svg viewBox="0 0 {w:F0} {h:F0}" width="{w:F0}" height="{h:F0}" role="img" xmlns="http://www.w3.org/2000/svg">"""
        "  <title>A terminal in which ./build.sh quickstart exports ten artifacts and reads them back</title>"
        "  <style>"
        "    text { font: 13px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #24292f }"
        "    .screen { fill: #f6f8fa; stroke: #8c959f; stroke-opacity: .5 }"
        "    .command { font-weight: 600 } .good { fill: #116329; font-weight: 600 } .small { fill: #57606a }"
        "    @media (prefers-color-scheme: dark) {"
        "      text { fill: #e6edf3 } .screen { fill: #161b22 } .good { fill: #3fb950 } .small { fill: #9ea7b3 }"
        "    }"
        "  </style>"
        $"""  <rect class="screen" x="1" y="1" width="{w - 2.0:F0}" height="{h - 2.0:F0}" rx="8" />"""
        for index, text in List.indexed lines do
            if text <> "" then
                line index text
        "</svg>"
        ""
    ]
    |> String.concat "\n"

/// What does not differ between two runs: no times, ids, ports, and not which artifact was the first.
let stable (svg: string) =
    [
        @"cellos-quickstart-\w+", "FOLDER"
        @"PUT of all, of .*?</tspan>", "PUT of all</tspan>"
        @"got a URL for .*?</tspan>", "got a URL</tspan>"
        "textLength=\"[0-9.]*\"", ""
        " x=\"[0-9.]*\"", ""
        "[0-9a-f]{12,}", "HEX"
        @"\d+", "0"
    ]
    |> List.fold (fun text (pattern, name) -> Regex.Replace(text, pattern, name)) svg

/// A picture of the page of `verify`.
let private photograph () =
    task {
        use! scene = sceneBehind true
        let folder = scene.Folder

        for name, content in
            [
                "report.json", "{\"passed\": 12}\n"
                "logs/stdout.txt", "the cell has ended\n"
                "logs/stderr.txt", ""
            ] do
            folder.Write($"out/{name}", content) |> ignore

        let script =
            [
                "set -eu"
                $"cd {quote folder.Path}"
                $"cellos-export-s3() {{ {quotedTool} \"$@\"; }}"
                "openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"
                "openssl pkey -in key.pem -pubout -out public.pem"
                "cellos-export-s3 push --spec cell.yaml --cell-id cell-7 --seal key.pem --seals seals.jsonl --quiet out"
                "head=\"$(wc -l < seals.jsonl):$(tail -n 1 seals.jsonl | tr -d '\\n' | sha256sum | cut -d ' ' -f 1)\""
                "cellos-export-s3 verify --seals seals.jsonl --key public.pem --head \"$head\" --bundle out --html page.html"
            ]
            |> String.concat "\n"

        use child = new Child("bash", [ "-c"; script ], scene.SeedVariables)
        let! struct (code, output, error) = child.End()
        Expect.equal code 0 (output + error)
        use! browser = Browser.Start()
        let! tab = browser.Tab()
        do! tab.Open(folder.At "page.html", "", 860, "light", "screen")
        return! tab.Picture false
    }

/// Writes the pictures; that of the page only where there is a browser.
let accept () =
    task {
        let! output = record ()
        let picture = render output

        // Another run has other times and ports, which are no reason to change the picture.
        if not (File.Exists path) || stable (File.ReadAllText path) <> stable picture then
            File.WriteAllText(path, picture)

        if has "chromium" && has "openssl" then
            let! picture = photograph ()
            File.WriteAllBytes(pagePath, picture)
        else
            eprintfn "docs/audit-page.png stays as it is: chromium or openssl is not installed"
    }
