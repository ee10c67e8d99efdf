/// The pictures in the documents.
module Cli.Tests.SessionTests

open System
open System.IO
open System.Text.RegularExpressions
open System.Xml.Linq
open Expecto
open Cli.Tests.Support

let private pictures =
    Directory.GetFiles(Path.Combine(root, "docs"), "*.svg") |> List.ofArray

[<Tests>]
let tests =
    testList "the pictures" [
        testCaseTask "docs/quickstart.svg shows what the quickstart prints" (fun () ->
            task {
                let! output = Session.record ()

                Expect.equal
                    (Session.stable (File.ReadAllText Session.path))
                    (Session.stable (Session.render output))
                    "the picture is out of date. Run ./build.sh docs, and commit docs/quickstart.svg"
            })

        testCase "are well-formed, named, readable in both colour schemes, and load nothing" (fun () ->
            Expect.isGreaterThan pictures.Length 4 "pictures"

            for path in pictures do
                let text = File.ReadAllText path
                let svg = nonNull (XDocument.Parse(text).Root)
                let names = svg.Elements() |> Seq.map _.Name.LocalName |> List.ofSeq
                Expect.equal names.Head "title" path
                Expect.equal (string (svg.Attribute(XName.Get "role"))) "role=\"img\"" path
                Expect.stringContains text "prefers-color-scheme: dark" path
                Expect.isFalse (Regex.IsMatch(text, "(href|src)=|url\\(|@import")) path)

        testCase "that are photographs are small" (fun () ->
            let bytes = File.ReadAllBytes Session.pagePath
            Expect.sequenceEqual bytes[1..3] "PNG"B "a PNG"
            Expect.isLessThan bytes.Length 150_000 "its size")
    ]
