/// The page of a verification: what it says, and where it is written.
module Cli.Tests.PageTests

open System
open System.IO
open System.Net
open System.Security.Cryptography
open System.Text
open System.Text.RegularExpressions
open CellOS.Export.S3.Core
open Expecto
open Cli.Tests.PageScene
open Cli.Tests.Scene
open Cli.Tests.Shell
open Cli.Tests.Support
open Cli.Tests.VerifyScene

let private decode (html: string) = nonNull (WebUtility.HtmlDecode html)

/// The texts of all elements that begin like this, as a browser shows them.
let private texts (opening: string) (page: string) = [
    for found in Regex.Matches(page, $"{Regex.Escape opening}[^>]*>([^<]*)<") -> decode found.Groups[1].Value
]

let private headline page = texts "<h1" page |> List.exactlyOne

/// All that a browser shows, without the style and the script.
let private visible (page: string) =
    let body = Regex.Replace(page, "(?s)<(style|script)>.*?</\\1>", "")
    decode (Regex.Replace(body, "<[^>]*>", " "))

/// What is given, what is done to it, and the headline, with a part of what is said below it.
let private headlines: (string * (PageScene -> unit) * (PageScene -> string list) * string * string list) list = [
    "all",
    ignore,
    (fun scene -> scene.All @ [ "--head"; scene.Head ]),
    "All 10 artifacts are what was exported",
    [ "no seal before it was removed"; "VERIFIED: each of 10 artifacts is sealed" ]
    "no head",
    ignore,
    _.All,
    "All 10 artifacts are what was exported",
    [ "Verified in part"; "No head was given" ]
    "no bundle",
    ignore,
    (fun scene -> List.take 6 scene.All),
    "All 10 receipts are sealed",
    [ "The files themselves were not compared."; "No file was compared" ]
    "no seals",
    ignore,
    (fun scene -> List.take 2 scene.All @ List.skip 6 scene.All),
    "All 10 artifacts are what the receipts state",
    [ "anybody can write a receipt"; "No seal was checked" ]
    "receipts alone",
    ignore,
    (fun scene -> List.take 2 scene.All),
    "All 10 receipts name what the store confirmed",
    [ "Verified in part"; "No file was compared"; "No seal was checked" ]
    "no receipts",
    ignore,
    (fun scene -> List.skip 2 scene.All),
    "All 10 artifacts are what was exported",
    [ "the receipts are those that the seals state" ]
    "a tampered one",
    tamper,
    _.All,
    "3 of 11 artifacts are not what was exported",
    [
        "1 was altered, 1 is missing, 1 has no receipt, 5 are not proven. 2 of 3 seals are not valid."
    ]
    "a receipt without a seal",
    (fun scene ->
        File.AppendAllText(scene.At "receipts.jsonl", Receipt.toJson (receiptOf noon "extra") + "\n")
        scene.Folder.Write("out/extra", "evidence extra\n") |> ignore),
    _.All,
    "1 of 11 artifacts is not proven",
    [ "no valid seal states its receipt" ]
    "the same, which is accepted",
    (fun scene ->
        File.AppendAllText(scene.At "receipts.jsonl", Receipt.toJson (receiptOf noon "extra") + "\n")
        scene.Folder.Write("out/extra", "evidence extra\n") |> ignore),
    (fun scene -> scene.All @ [ "--accept-unsealed" ]),
    "All 11 artifacts are as recorded, except what was accepted",
    [ "Verified in part"; "Accepted: 1 not sealed." ]
    "a damaged line",
    (fun scene -> File.AppendAllText(scene.At "receipts.jsonl", "{]\n")),
    _.All,
    "The records of the export are damaged, or were changed",
    [ "1 line of the receipts cannot be relied on." ]
    "another head",
    ignore,
    (fun scene -> scene.All @ [ "--head"; $"7:{String('0', 64)}" ]),
    "The records of the export are damaged, or were changed",
    [ "Seals were removed." ]
    "a file that cannot be read",
    (fun scene -> shell "touch \"$0/$(printf 'x\\377')\"" (scene.At "out") |> ignore),
    _.All,
    "Not everything could be checked",
    [ "1 input could not be read." ]
]

/// Names that may do harm.
let private hostile = [
    "<script>alert(1)</script>"
    "</style></script><img src=x onerror=alert(1)>"
    "\"'>&amp;&lt;"
    "\u202Egnp.exe"
    "a\u0000b\u001b[2J"
    String('n', 250)
    + "/"
    + String('m', 250)
    + "/"
    + String('o', 250)
    + "/"
    + String('p', 271)
    "x?X-Amz-Signature=0123456789abcdef"
    "javascript:alert(1)"
]

/// Places where no page may be written, and what is said.
let private refused: (string * (PageScene -> string) * string) list = [
    "the receipts", (fun scene -> scene.At "receipts.jsonl"), "is a file that this command reads"
    "the seals", (fun scene -> scene.At "./seals.jsonl"), "is a file that this command reads"
    "the key", (fun scene -> scene.At "public.pem"), "is a file that this command reads"
    "another name of the receipts",
    (fun scene ->
        shell "ln \"$0/receipts.jsonl\" \"$0/other\"" scene.Folder.Path |> ignore
        scene.At "other"),
    "is a file that this command reads"
    "a link",
    (fun scene ->
        File.CreateSymbolicLink(scene.At "link", scene.At "receipts.jsonl") |> ignore
        scene.At "link"),
    "is a symbolic link"
    "a file of the bundle", (fun scene -> scene.At "out/report.json"), "lies in the bundle"
    "a new file in the bundle", (fun scene -> scene.At "out/logs/../page.html"), "lies in the bundle"
    "a folder of the bundle by a link",
    (fun scene ->
        Directory.CreateSymbolicLink(scene.At "here", scene.At "out/logs") |> ignore
        scene.At "here/page.html"),
    "lies in the bundle"
    "a folder", (fun scene -> scene.Folder.Path), "is a folder"
    "a name that ends like a folder", (fun scene -> scene.At "page/"), "is a folder"
    "a device", (fun _ -> "/dev/null"), "is a device"
    "no folder", (fun scene -> scene.At "none/page.html"), "cannot be written"
]

let private custom = Regex "--([a-z-]+): #([0-9a-f]{6});"

/// The colours of a part of the style.
let private coloursOf (css: string) =
    custom.Matches css
    |> Seq.map (fun found -> found.Groups[1].Value, Convert.FromHexString found.Groups[2].Value)
    |> Map.ofSeq

/// The contrast of two colours, as WCAG 2 defines it.
let private contrast (a: byte[]) (b: byte[]) =
    let luminance (color: byte[]) =
        let channel (value: byte) =
            let value = float value / 255.

            if value <= 0.03928 then value / 12.92 else ((value + 0.055) / 1.055) ** 2.4

        0.2126 * channel color[0]
        + 0.7152 * channel color[1]
        + 0.0722 * channel color[2]

    let a, b = luminance a + 0.05, luminance b + 0.05
    max a b / min a b

[<Tests>]
let tests =
    testList "the page of a verification" [
        for what, change, arguments, expected, parts in headlines do
            testCaseTask $"says what was found, and what was not checked: {what}" (fun () ->
                task {
                    use scene = new PageScene(threeRuns)
                    change scene
                    let! _, output, page = scene.Page(arguments scene)
                    Expect.equal (headline page) expected "the headline"
                    Expect.equal (texts "<p class=\"exact\"" page) [ verdict output ] "the exact verdict"

                    for part in parts do
                        Expect.stringContains (visible page) part "what is said"
                    // .NET cannot remove a name that is not UTF-8.
                    shell "rm -rf \"$0/out\"" scene.Folder.Path |> ignore
                })

        testCaseTask
            "names what failed in the words of the text report, and seals, heads, runs and inputs"
            (fun () ->
                task {
                    use scene = new PageScene(threeRuns)
                    let head = scene.Head
                    tamper scene
                    let! code, output, page = scene.Page(scene.All @ [ "--head"; head ])
                    Expect.equal code 1 output
                    let failures = output.Split "\n\n" |> Array.head

                    let words =
                        Regex.Matches(page, "<li><b class=\"badge bad\">([^<]*)</b> <bdi>([^<]*)</bdi></li>")

                    Expect.equal
                        [
                            for found in words do
                                let text = decode found.Groups[2].Value
                                $"{found.Groups[1].Value, -15} {text}"
                        ]
                        (List.ofArray (failures.TrimEnd().Split '\n'))
                        "line by line"

                    let seen = visible page

                    for part in
                        [
                            head + " of " + scene.At "seals.jsonl"
                            $"{head}: contained"
                            "2026-05-02 08:00:00Z to 2026-05-03 12:04:00Z"
                            "cell-7 to artifact-bucket : 3 stored, interrupted"
                            "s3://evidence/audit/cell-7/trace.bin"
                            Convert.ToHexStringLower(
                                SHA256.HashData(File.ReadAllBytes(scene.At "receipts.jsonl"))
                            )
                            Convert.ToHexStringLower(
                                SHA256.HashData(File.ReadAllBytes(scene.At "seals.jsonl"))
                            )
                        ] do
                        Expect.stringContains (Regex.Replace(seen, " +", " ")) part "a part"

                    Expect.equal
                        (Regex.Matches(page, "<svg ").Count)
                        2
                        "a bar for each run whose seal is signed"

                    Expect.equal (Regex.Matches(page, "<tr><td>").Count) 11 "a row for each artifact"
                })

        testCaseTask "comes beside JSON as well" (fun () ->
            task {
                use scene = new PageScene(threeRuns)
                let! code, output, page = scene.Page("--json" :: scene.All)
                Expect.equal code 0 output
                Expect.hasLength (ofKind "artifact" output) 10 "the JSON"
                let artifact = ofKind "artifact" output |> List.head
                Expect.equal (artifact.GetProperty("bytes").GetInt64()) 21L "its length"
                Expect.equal (text "completedAt" artifact) "2026-05-01T12:00:01.000Z" "and its time"
                Expect.equal (headline page) "All 10 artifacts are what was exported" "the page"
            })

        testCaseTask "shows hostile names as the text report does, and they do nothing" (fun () ->
            task {
                use scene = new PageScene([])

                let receipts =
                    hostile
                    |> List.map (fun name ->
                        {
                            receiptOf noon name with
                                Destination = $"s3://b/{name}"
                                CellId = name
                        }
                        |> Receipt.toJson)

                File.WriteAllLines(scene.At "receipts.jsonl", receipts)

                let! code, output, page =
                    scene.Page [ "--receipts"; scene.At "receipts.jsonl"; "--bundle"; scene.At "out" ]

                Expect.equal code 1 output

                Expect.equal
                    (Regex.Matches(page, "(?i)<script|<img|<style").Count)
                    2
                    "one style and one script"

                Expect.isFalse (page.Contains "0123456789abcdef") "no secret"

                for rune in page.EnumerateRunes() do
                    if rune.Value <> int '\n' then
                        match Rune.GetUnicodeCategory rune with
                        | Globalization.UnicodeCategory.Control
                        | Globalization.UnicodeCategory.Format -> failtest $"U+%04X{rune.Value}"
                        | _ -> ()

                Expect.isFalse (Regex.IsMatch(page, "(?i)&#x?(0+;|202E|0*1b;)")) "nor as a reference"

                let failures = output.Split "\n\n" |> Array.head
                let seen = visible page

                for line in failures.TrimEnd().Split '\n' do
                    Expect.stringContains seen (line.Substring 16) "as the text report shows it"
            })

        testCaseTask "loads nothing, and its policy allows its own style and script alone" (fun () ->
            task {
                use scene = new PageScene(threeRuns)
                let! _, _, page = scene.Page scene.All

                Expect.equal
                    [
                        for found in
                            Regex.Matches(
                                page,
                                "(?i)[\\s<](src|href|action|data|poster|srcset)=\"([^\"]*)\""
                            ) -> found.Groups[2].Value
                    ]
                    [ "data:," ]
                    "no address"

                Expect.isFalse
                    (Regex.IsMatch(page, "(?i)url\\(|@import|style=|\\son[a-z]+="))
                    "nothing else that loads or runs"

                let policy =
                    Regex.Match(page, "Content-Security-Policy\" content=\"([^\"]*)\"").Groups[1].Value
                    |> decode

                let hash (element: string) =
                    let content = Regex.Match(page, $"(?s)<{element}>(.*?)</{element}>").Groups[1].Value
                    Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes content))

                let script, style = hash "script", hash "style"

                Expect.equal
                    policy
                    $"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'"
                    "the policy"
            })

        testCaseTask "has texts of enough contrast in each scheme and on paper" (fun () ->
            task {
                let css = File.ReadAllText(Path.Join(root, "src/Cli/Verifying/Page/page.css"))

                let parts =
                    Regex.Matches(css, "(?s):root \\{(.*?)\\}")
                    |> Seq.map (fun found -> coloursOf found.Groups[1].Value)
                    |> List.ofSeq

                Expect.hasLength parts 3 "light, dark and paper"

                for colours in parts do
                    for text, behind in
                        [
                            for text in [ "text"; "quiet"; "good"; "bad"; "warn" ] do
                                for behind in [ "card"; "back" ] do
                                    text, behind
                            for kind in [ "good"; "bad"; "warn" ] do
                                kind, $"{kind}-back"
                                "text", $"{kind}-back"
                        ] do
                        Expect.isGreaterThanOrEqual
                            (contrast colours[text] colours[behind])
                            4.5
                            $"{text} on {behind}"
            })

        testCaseTask "is not written over an input, nor into the bundle" (fun () ->
            task {
                for what, place, expected in refused do
                    use scene = new PageScene(threeRuns)
                    let path = place scene

                    let before =
                        shell
                            "cd \"$0\" && find . -type f | sort | xargs -d '\\n' sha256sum"
                            scene.Folder.Path

                    let! code, output, error = verify (scene.All @ [ "--html"; path ])
                    Expect.equal (code, output) (2, "") $"{what}: {error}"
                    Expect.stringContains error expected what
                    Expect.isLessThanOrEqual (error.Split(' ').Length) 50 error

                    Expect.equal
                        (shell
                            "cd \"$0\" && find . -type f | sort | xargs -d '\\n' sha256sum"
                            scene.Folder.Path)
                        before
                        $"{what}: nothing is changed"
            })

        testCaseTask "replaces an older page as a whole, and leaves nothing else" (fun () ->
            task {
                use scene = new PageScene(threeRuns)
                let path = scene.Folder.Write("pages/page.html", "older")
                let arguments = scene.All @ [ "--html"; path ]
                let! code, _, error = verify arguments
                Expect.equal code 0 error
                Expect.stringStarts (File.ReadAllText path) "<!doctype html>" "the new one"
                Expect.equal (Directory.GetFileSystemEntries(scene.At "pages")) [| path |] "it alone"
                File.WriteAllText(path, "older")
                // The page is larger than the limit. The runtime maps its code through files, unless told not to.
                let! struct (code, output, error) =
                    shellToolAfter
                        "ulimit -f 4"
                        [ "DOTNET_EnableWriteXorExecute", "0" ]
                        ("verify" :: arguments)
                        ""

                Expect.equal code 1 error
                Expect.stringContains output "VERIFIED: " "the report is there"
                Expect.stringContains error "page.html' cannot be written: " "and says that the page is not"
                Expect.equal (File.ReadAllText path) "older" "the older one is whole"
                File.WriteAllText(scene.At "receipts.jsonl", "evidence\n")
                let! code, _, _ = verify arguments
                Expect.equal code 2 "there is no verdict"
                Expect.equal (File.ReadAllText path) "older" "and no page"

                Expect.equal
                    (Directory.GetFileSystemEntries(scene.At "pages"))
                    [| path |]
                    "nor a part of one"
            })
    ]
