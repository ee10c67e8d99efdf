module CellOS.Export.S3.Core.Tests.RoomTests

open System
open System.IO
open System.Xml.Linq
open Expecto

let private repository = Path.Combine(__SOURCE_DIRECTORY__, "..", "..")

let private files =
    XDocument
        .Load(Path.Combine(repository, "src", "CellOS.Export.S3.Core.fsproj"))
        .Descendants(XName.Get "Compile")
    |> Seq.choose (fun item -> item.Attribute(XName.Get "Include") |> Option.ofObj |> Option.map _.Value)
    |> List.ofSeq

/// The rooms in the order of compilation, one entry for each run of files of the same room.
let private compiled =
    files
    |> List.choose (fun file ->
        match List.ofArray (file.Split '/') with
        | "Core" :: room :: _ :: _ -> Some room
        | _ -> None)
    |> List.fold (fun rooms room -> if List.tryHead rooms = Some room then rooms else room :: rooms) []
    |> List.rev

let private documented =
    File.ReadAllLines(Path.Combine(repository, "docs", "maintainers.md"))
    |> Seq.skipWhile (fun line -> line <> "### Rooms of the core")
    |> Seq.takeWhile (fun line -> not (line.StartsWith("## ", StringComparison.Ordinal)))
    |> Seq.filter (fun line -> line.StartsWith("| `", StringComparison.Ordinal))
    |> Seq.map (fun line -> line.Substring(3, line.IndexOf '/' - 3))
    |> List.ofSeq

[<Tests>]
let tests =
    testList "rooms of the core" [
        test "each room is compiled as one block, in the order that the maintainers' document gives" {
            Expect.equal compiled documented ""
            Expect.hasLength compiled (compiled |> List.distinct |> List.length) ""
        }

        test "each file of the core lies in a room, except for the push machine" {
            let outside = files |> List.filter (fun file -> file.Split('/').Length < 3)
            Expect.equal outside [ "Core.fs" ] ""
        }
    ]
