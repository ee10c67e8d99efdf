/// What somebody may do to sealed evidence, and whether a verification detects it.
module CellOS.Export.S3.Core.Tests.VerificationLaws

open System
open System.Text
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SealStatementTests
open CellOS.Export.S3.Core.Tests.SealTamperings
open CellOS.Export.S3.Core.Tests.VerificationModel
open CellOS.Export.S3.Core.Tests.VerificationTests

/// Evidence that was exported in some runs.
type Scene = {
    /// What each run stored: names and contents.
    Runs: (string * byte[]) list list
    /// The lines of the file of seals.
    Lines: byte[] list
    Evidence: Evidence
}

let private receiptsOfRun index (run: (string * byte[]) list) =
    run |> List.map (fun (name, content) -> receiptOf "c" name content (index + 1))

let private sceneOf (runs: (string * byte[]) list list) : Scene =
    let receipts = List.mapi receiptsOfRun runs
    let lines = sealedRuns receipts

    {
        Runs = runs
        Lines = lines
        Evidence = {
            none with
                Receipts = receipts |> List.map log
                Seals = [ bytesOf lines ]
                Bundle = Some(runs |> List.concat |> Map.ofList)
        }
    }

let private anyByte = Gen.choose (0, 255) |> Gen.map byte

let private content =
    Gen.choose (0, 8) |> Gen.bind (fun length -> Gen.arrayOfLength length anyByte)

let private scenes =
    let run =
        gen {
            let! names = Gen.subListOf [ "a"; "b"; "logs/c"; "logs/d.txt" ]
            let! contents = Gen.listOfLength names.Length content
            return List.zip names contents
        }

    [
        for count in [ 1; 1; 2; 3; 4 ] do
            yield! Gen.sample 6 (Gen.listOfLength count run)
    ]
    // Without any receipt there is nothing to tamper with but seals, which have laws of their own.
    |> List.filter (List.concat >> List.isEmpty >> not)
    |> List.map sceneOf

let private headOf (lines: byte[] list) : SealHead = {
    Count = int64 lines.Length
    Sha256 = sha256 (List.last lines)
}

/// What is done, and to what.
type Tampering = {
    What: string
    Scene: Scene
    Evidence: Evidence
    /// True if the head of the scene was noted elsewhere.
    IsAnchored: bool
}

let private index (items: 'a list) = Gen.choose (0, items.Length - 1)

let private change (items: 'a list) (with': 'a -> Gen<'a>) =
    gen {
        let! at = index items
        let! item = with' items[at]
        return List.updateAt at item items
    }

/// Ways to change bytes, of which there may be none.
let private bytes (file: byte[]) : Gen<byte[]> =
    if file.Length = 0 then
        anyByte |> Gen.map Array.singleton
    else
        gen {
            let! at = Gen.choose (0, file.Length - 1)
            let! value = anyByte
            let! bit = Gen.choose (0, 7)

            return!
                Gen.elements [
                    Array.updateAt at (file[at] ^^^ (1uy <<< bit)) file
                    Array.updateAt at (file[at] ^^^ (1uy <<< bit)) file
                    Array.updateAt at value file
                    Array.removeAt at file
                    Array.insertAt at value file
                    Array.truncate at file
                    Array.append file [| value |]
                ]
        }

let private linesOf (file: byte[]) =
    (Encoding.UTF8.GetString file).Split('\n', StringSplitOptions.RemoveEmptyEntries)
    |> List.ofArray

let private fileOf (lines: string list) =
    lines
    |> List.map (fun line -> line + "\n")
    |> String.concat ""
    |> Encoding.UTF8.GetBytes

/// A receipt with a time that no receipt of a run has.
let private unsealed (receipt: Receipt) = {
    receipt with
        CompletedAt = receipt.CompletedAt.AddSeconds 0.5
}

/// Ways to change the lines of a file of receipts.
let private receiptLines (file: byte[]) : Gen<byte[]> =
    match linesOf file with
    | [] -> Gen.constant (log [ receiptOf "c" "a" [| 1uy |] 99 ])
    | lines ->
        gen {
            let! at = index lines
            let! other = index lines
            let! seconds = Gen.choose (0, 9)

            return!
                Gen.elements [
                    List.removeAt at lines
                    List.rev lines
                    lines |> List.updateAt at lines[other] |> List.updateAt other lines[at]
                    List.insertAt other lines[at] lines
                    // A receipt without a seal, of the object or of another one.
                    lines @ [ Receipt.toJson (unsealed (receiptOf "c" "a" [| 7uy |] seconds)) ]
                    lines @ [ Receipt.toJson (unsealed (receiptOf "d" "a" [||] seconds)) ]
                    List.updateAt at (lines[at].Replace("etag-md5", "checksum-sha256")) lines
                    List.updateAt at (lines[at].Replace("s3://b/", "s3://other/")) lines
                ]
                |> Gen.map fileOf
        }

let private files (bundle: Map<string, byte[]>) : Gen<Map<string, byte[]>> =
    gen {
        let! name = Gen.elements (List.ofSeq bundle.Keys)
        let! other = Gen.elements (List.ofSeq bundle.Keys)
        let! changed = bytes bundle[name]

        return!
            Gen.elements [
                Map.add name changed bundle
                Map.add name changed bundle
                Map.remove name bundle
                Map.add "new" bundle[name] bundle
                bundle |> Map.remove name |> Map.add (name + ".bak") bundle[name]
                bundle |> Map.add name bundle[other] |> Map.add other bundle[name]
            ]
    }

/// The same evidence, of which the last runs never were.
let private withoutLastRuns (scene: Scene) count : Evidence =
    let rest = (sceneOf (List.truncate (scene.Runs.Length - count) scene.Runs)).Evidence

    {
        rest with
            Seals = [ bytesOf (List.truncate (scene.Runs.Length - count) scene.Lines) ]
    }

let tamperings: Gen<Tampering> =
    gen {
        let! scene = Gen.elements scenes
        let! isAnchored = Gen.elements [ true; false ]
        let given = scene.Evidence

        let sealLines =
            gen {
                let! at = index scene.Lines
                let! other = index scene.Lines

                return!
                    Gen.elements [
                        List.removeAt at scene.Lines
                        List.truncate at scene.Lines
                        List.insertAt other scene.Lines[at] scene.Lines
                        List.rev scene.Lines
                    ]
            }

        let! what, evidence =
            Gen.oneof [
                change given.Receipts bytes
                |> Gen.map (fun files -> "bytes of receipts", { given with Receipts = files })
                change given.Receipts receiptLines
                |> Gen.map (fun files -> "lines of receipts", { given with Receipts = files })
                index given.Receipts
                |> Gen.map (fun at ->
                    "a file of receipts is emptied",
                    {
                        given with
                            Receipts = List.updateAt at [||] given.Receipts
                    })
                change given.Seals bytes
                |> Gen.map (fun files -> "bytes of seals", { given with Seals = files })
                sealLines
                |> Gen.map (fun lines -> "lines of seals", { given with Seals = [ bytesOf lines ] })
                files given.Bundle.Value
                |> Gen.map (fun bundle -> "files of the bundle", { given with Bundle = Some bundle })
                Gen.constant (
                    "another key",
                    {
                        given with
                            Keys = SealChecks.keysOf [ theirs.Key ]
                    }
                )
                Gen.choose (1, scene.Runs.Length)
                |> Gen.map (fun count -> "the last runs are removed everywhere", withoutLastRuns scene count)
                // The holder of the key may state something else.
                Gen.constant (
                    "the owner of the key writes another chain",
                    (sceneOf (scene.Runs @ [ [ "a", [| 42uy |] ] ])).Evidence
                )
            ]

        return {
            What = what
            Scene = scene
            Evidence = {
                evidence with
                    Heads = if isAnchored then [ headOf scene.Lines ] else []
            }
            IsAnchored = isAnchored
        }
    }

/// True if files of receipts have the same receipts, in whatever order and form, and nothing else but receipts of which a later
/// one counts.
let private sayTheSame (files: byte[] list) (others: byte[] list) =
    let receipts files =
        files
        |> List.map receiptsOf
        |> List.unzip
        |> fun (receipts, areWhole) -> List.distinct (List.concat receipts), areWhole

    let one, _ = receipts files
    let other, areWhole = receipts others

    let isHarmless (receipt: Receipt) =
        List.contains receipt one
        || one
           |> List.exists (fun later ->
               later.Destination = receipt.Destination
               && later.CompletedAt > receipt.CompletedAt)

    List.forall (fun receipt -> List.contains receipt other) one
    && List.forall isHarmless other
    && List.forall id areWhole

/// The number of seals at the end that are missing, of those that state receipts; `None` if the seals are changed otherwise.
let private missingSeals (tampering: Tampering) =
    [ 0 .. tampering.Scene.Lines.Length ]
    |> List.tryFind (fun kept ->
        tampering.Evidence.Seals = [ bytesOf (List.truncate kept tampering.Scene.Lines) ])
    |> Option.map (fun kept ->
        tampering.Scene.Runs
        |> List.skip kept
        |> List.filter (List.isEmpty >> not)
        |> List.length,
        kept = tampering.Scene.Lines.Length)

/// Whether the documents say that it is detected.
let private isDetectable (tampering: Tampering) =
    let given, was = tampering.Evidence, tampering.Scene.Evidence

    match tampering.What, missingSeals tampering with
    | "the last runs are removed everywhere", Some(_, isWhole) -> tampering.IsAnchored && not isWhole
    | "the owner of the key writes another chain", _ ->
        // The chains are signed anew, so that not even their common lines are the same.
        tampering.IsAnchored
    | "another key", _ -> true
    | _, Some(missing, isWhole) ->
        missing > 0
        || tampering.IsAnchored && not isWhole
        || given.Bundle <> was.Bundle
        || not (sayTheSame was.Receipts given.Receipts)
    | _ -> true

[<Tests>]
let tests =
    testList "Verification of tampered evidence" [
        test "unchanged evidence is verified" {
            for scene in scenes do
                let given = {
                    scene.Evidence with
                        Heads = [ headOf scene.Lines ]
                }

                Expect.equal (VerificationResult.problems (verify given).Result) [] "with its head"
                Expect.isTrue (verify scene.Evidence).Result.IsGood "without"
        }

        propertyTimes
            10_000
            "what the documents say is detected, is detected, and nothing else"
            tamperings
            (fun tampering ->
                let report = verify tampering.Evidence
                let what = $"{tampering.What}, anchored: {tampering.IsAnchored}"

                if isDetectable tampering then
                    Expect.isTrue report.Result.HasFailed what
                // An emptied file of receipts is not verified, even if nothing was sealed.
                elif not report.Result.IsEmpty then
                    Expect.equal (VerificationResult.problems report.Result) [] what)
    ]
