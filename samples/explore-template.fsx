// What becomes of a URL template: the URL of each artifact, what is percent-encoded and why, and which names are
// refused, in which words. Nothing is sent.
//
//     ./build.sh
//     dotnet fsi samples/explore-template.fsx
//     dotnet fsi samples/explore-template.fsx 'https://gw.example/{cell_id}/{artifact_name}' cell-42 'a b.txt' ../x
//
// Others may read a command line: a template with a token in it is read from standard input where `-` stands in its
// place. The query is not shown, but for the parameters that are a placeholder and nothing else.
//
//     'a b.txt'
//       → https://gw.example/cell-42/a%20b.txt
//         ' ' becomes %20: no URL holds a blank
//     '../x'
//       refused: The artifact name has a segment (1 of 2) that is '..', which a path does not keep. …

#r "../src/bin/Release/net10.0/FsToolkit.ErrorHandling.dll"
#r "../src/bin/Release/net10.0/CellOS.Export.S3.Core.dll"

open System
open System.Text
open CellOS.Export.S3.Core

let usage =
    "usage: dotnet fsi samples/explore-template.fsx [TEMPLATE | - [CELL_ID [NAME...]]]"

let stop code (text: string) : 'never =
    eprintfn $"{text}"
    exit code

let orStop (result: Result<'value, Refusal>) =
    match result with
    | Ok value -> value
    | Error refusal -> stop 1 refusal.Message

let someNames = [
    "logs/stdout.txt"
    "report 2026 (final).pdf"
    "100%/größe.txt"
    "a?b=c&d#e.txt"
    "X-Amz-Signature=x"
    "../../etc/passwd"
    "a//b"
    "C:\\evidence.txt"
    "two\nlines"
    ""
]

let text, cell, names =
    match List.tail (List.ofArray fsi.CommandLineArgs) with
    | [] ->
        "https://gw.example/put/{cell_id}/{artifact_name}?name={artifact_name}&token=s3cr3t-t0ken",
        "cell-42",
        someNames
    | option :: _ when option.StartsWith "--" -> stop 2 usage
    | template :: rest ->
        let template = if template = "-" then Console.In.ReadToEnd() else template

        match rest with
        | [] -> template, "cell-42", someNames
        | [ cell ] -> template, cell, someNames
        | cell :: names -> template, cell, names

let template = orStop (UrlTemplate.parse text)
let cellId = orStop (CellId.create cell)

/// Why a character does not stand in a URL as it is (RFC 3986, 2.2 and 2.3).
let why (rune: Rune) =
    match string rune with
    | " " -> "no URL holds a blank"
    | "%" -> "it would begin an escape"
    | "?" -> "it would begin the query"
    | "#" -> "it would end the URL"
    | "&"
    | "="
    | "+" -> "it has a meaning in a query"
    | "/" -> "it would be read as a path, in a query"
    | _ when rune.IsAscii -> "it is reserved, or not allowed"
    | _ -> "its bytes in UTF-8"

/// The characters of a name that its URL writes in another way; a `/` stays in the path.
let encoded (name: string) =
    name.EnumerateRunes()
    |> Seq.distinct
    |> Seq.filter (fun rune -> rune <> Rune '/')
    |> Seq.map (fun rune -> rune, Uri.EscapeDataString(string rune))
    |> Seq.filter (fun (rune, escaped) -> string rune <> escaped)

/// The parameters of the query; their values only where they are a name and nothing else.
let query (url: RequestUrl) =
    match text.Trim().IndexOf '?', RequestUrl.revealQuery url with
    | -1, _
    | _, "" -> ""
    | i, rendered ->
        let isName (parameter: string) =
            // No name of a parameter holds a `=`: what follows the first one is the value.
            match parameter.IndexOf '=' with
            | -1 -> false
            | i ->
                let value = parameter.Substring(i + 1)

                value = UrlTemplate.CellIdPlaceholder
                || value = UrlTemplate.ArtifactNamePlaceholder

        Seq.map2
            (fun template (parameter: string) -> if isName template then parameter else "…")
            (text.Trim().Substring(i + 1).Split '&')
            (rendered.Split '&')
        |> String.concat "&"
        |> (+) "?"

/// Tells of one name, and gives back which artifact the URL was used for first.
let explore (first: ArtifactName option) (name: string) =
    printfn $"\n'{Shown.line name}'"

    match ArtifactName.create name with
    | Error refusal ->
        printfn $"  refused: {refusal.Message}"
        first
    | Ok artifact ->
        match UrlTemplate.admit first artifact template with
        | Error refusal -> printfn $"  refused: {refusal.Message}"
        | Ok() ->
            let url = UrlTemplate.render cellId artifact template
            printfn $"  → {Shown.line (RequestUrl.withoutQuery url)}{query url}"

            if not (UrlTemplate.namesOneObject template) then
                for rune, escaped in encoded name do
                    printfn $"    '{Shown.line (string rune)}' becomes {escaped}: {why rune}"

        Some(Option.defaultValue artifact first)

if UrlTemplate.isExact template then
    printfn "An exact URL: it goes onto the wire octet for octet, and names one object."
elif UrlTemplate.namesOneObject template then
    printfn "A template without {artifact_name}: it names one object of each cell."
else
    printfn $"A template: cell '{Shown.line cell}' gets a URL for each artifact."

names |> List.fold explore None |> ignore
