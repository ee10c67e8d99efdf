/// `docs/reference.md`, from the code: variables, options, exit codes, kinds of failures. `./build.sh docs` writes it.
module Cli.Tests.Reference

open System
open System.CommandLine
open System.IO
open System.Text.RegularExpressions
open System.Xml.Linq
open Microsoft.FSharp.Reflection
open CellOS.Export
open CellOS.Export.S3.Cli
open CellOS.Export.S3.Cli.Arguments
open CellOS.Export.S3.Cli.Completion
open CellOS.Export.S3.Core
open Cli.Tests.Support

let path = Path.Combine(root, "docs", "reference.md")

/// The text of a cell of a table.
let private cell (text: string | null) =
    Regex.Replace((string text).Trim(), @"\s+", " ").Replace("|", "\\|")

let private row (cells: string list) =
    "| " + String.concat " | " (List.map cell cells) + " |"

let private table (head: string list) (rows: string list list) =
    [ row head; "|" + String.replicate head.Length " --- |" ] @ List.map row rows

let private option (it: Option) =
    let value = if isNull it.HelpName then "" else $" {it.HelpName}"
    let required = if it.Required then " (required)" else ""
    [ $"`{it.Name}{value}`{required}"; string it.Description ]

let private command (it: Command) = [
    $"### {it.Name}"
    ""
    string it.Description
    ""
    let rows = [
        for argument in it.Arguments do
            yield [ $"`{argument.Name}`"; string argument.Description ]

        for it in it.Options do
            if not it.Hidden && it.Name <> "--help" then
                yield option it
    ]

    if not rows.IsEmpty then
        yield! table [ $"With `{it.Name}`"; "Meaning" ] rows
        ""
]

let private commands () : Command list = [
    CheckCommand()
    PushCommand()
    DrainCommand()
    VerifyCommand()
    CompletionCommand()
    ManualCommand()
]

/// The summaries in the documentation of the library, by the name of the member.
let private summaries () =
    let file = Path.Combine(AppContext.BaseDirectory, "CellOS.Export.S3.xml")

    let rec text (node: XNode) =
        match node with
        | :? XText as text -> text.Value
        | :? XElement as element when element.Name.LocalName = "c" -> $"`{element.Value}`"
        | :? XElement as element -> element.Nodes() |> Seq.map text |> String.concat ""
        | _ -> ""

    Map [
        for it in XDocument.Load(file).Descendants(XName.Get "member") do
            match it.Element(XName.Get "summary") with
            | null -> ()
            | summary -> (nonNull (it.Attribute(XName.Get "name"))).Value, text summary
    ]

/// True if a spool keeps an artifact that failed in this way.
let private isKept (name: string) =
    FSharpType.GetUnionCases typeof<FailureKind>
    |> Array.tryFind (fun case -> case.Name = name)
    |> Option.exists (fun case ->
        SpoolPolicy.keeps (unbox<FailureKind>(nonNull (FSharpValue.MakeUnion(case, [||])))))

let private kinds () =
    let summaries = summaries ()

    [
        for kind in Enum.GetValues<ExportFailureKind>() do
            [
                $"`{kind}`"
                string (int kind)
                if isKept (string kind) then "yes" else ""
                summaries[$"F:CellOS.Export.ExportFailureKind.{kind}"]
            ]
    ]

let render () =
    [
        "# Reference"
        ""
        "`./build.sh docs` writes this page from the code, and a test compares both. Do not edit it."
        ""
        "[Commands](#commands) · [Exit codes](#exit-codes) · [Variables](#variables) · [Kinds of failures](#kinds-of-failures)"
        ""
        "## Commands"
        ""
        for it in commands () do
            yield! command it
        "## Exit codes"
        ""
        yield!
            table [ "Exit code"; "Meaning" ] [
                for struct (codes, meaning) in ExitCode.Meanings do
                    [ codes; Regex.Replace(meaning, @"\b(push|drain|check|verify):", "`$1`:") ]
            ]
        ""
        "## Variables"
        ""
        "A name that ends in `__` is followed by the target's name, in upper case, with `_` for each character that is neither a"
        "letter nor a digit: `artifact-bucket` becomes `…__ARTIFACT_BUCKET`. An empty or blank value counts as unset. For an invalid"
        "value the default applies, with a warning. `true`, `yes` and `on` stand for `1`. The tool reads no AWS variable."
        ""
        yield!
            table [ "Variable"; "Meaning"; "Default" ] [
                for it in Variable.all -> [ $"`{it.Name}`"; it.Meaning; it.Default ]
            ]
        ""
        "## Kinds of failures"
        ""
        "The name is the `kind` of an error in JSON, and a member of `ExportFailureKind` in C#. The last column is for sinks of S3 and"
        "HTTP; of a local target's failure it says what its own words say. A [spool](operators.md#when-the-store-is-away) keeps the"
        "artifact after those with \"yes\"."
        ""
        yield! table [ "Kind of failure"; "Number"; "Spooled"; "Meaning" ] (kinds ())
    ]
    |> String.concat "\n"
    |> fun text -> text + "\n"

/// Writes the page.
let accept () = File.WriteAllText(path, render ())
