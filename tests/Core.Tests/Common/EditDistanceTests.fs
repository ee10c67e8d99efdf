module CellOS.Export.S3.Core.Tests.EditDistanceTests

open System
open Expecto
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config

let private names = [ "receipts"; "concurrency"; "provenance"; "bundle" ]

/// A name, and the same with one letter left out, doubled, replaced, or swapped with its neighbour.
let private misspelt =
    gen {
        let! name = Gen.elements names
        let! at = Gen.choose (0, name.Length - 2)

        let! wrong =
            Gen.elements [
                name.Remove(at, 1)
                name.Insert(at, string name[at])
                name.Remove(at, 1).Insert(at, "x")
                name.Remove(at, 1).Insert(at + 1, string name[at])
            ]

        return name, wrong
    }

[<Tests>]
let tests =
    testList "Nearest names" [
        propertyTimes 200 "a name with one edit is found" misspelt (fun (name, wrong) ->
            Expect.equal (EditDistance.nearest names wrong) (Some name) wrong)

        for word, found in
            [
                "receipts", Some "receipts"
                "reciepts", Some "receipts"
                "recpts", Some "receipts"
                "rcpts", None
                "nonsense", None
                "", None
                "b", None
            ] do
            let shown = found |> Option.defaultValue "nothing"

            testCase $"of '{word}': {shown}" (fun () ->
                Expect.equal (EditDistance.nearest names word) found word)

        testCase "of a short name, fewer edits than it has letters" (fun () ->
            Expect.equal (EditDistance.nearest [ "-x"; "-y" ] "-z") None "one letter, one edit"
            Expect.equal (EditDistance.nearest [ "--to" ] "--do") (Some "--to") "two letters, one edit")

        testCase "the first of several that are equally near" (fun () ->
            Expect.equal
                (EditDistance.nearest [ "--seal"; "--help" ] "--heal")
                (Some "--seal")
                "one edit each")
    ]
