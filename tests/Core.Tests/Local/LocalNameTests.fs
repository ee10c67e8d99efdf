/// Names of files for artifacts, and what is said of local failures.
module CellOS.Export.S3.Core.Tests.LocalNameTests

open System
open System.IO
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open Expecto
open FsCheck
open FsCheck.FSharp

let private nameOf (text: string) =
    ArtifactName.create text
    |> Result.bind (fun name -> LocalName.create name |> Result.map (fun file -> name, file))

/// Texts of the pieces that lead a path elsewhere, and of any characters.
let private texts =
    let pieces =
        Gen.elements [
            "a"
            "report.json"
            "/"
            "\\"
            ".."
            "."
            "~"
            "~root"
            "\000"
            "\n"
            " "
            "ä"
            "C:"
            ".cellos-export-"
            ".part"
        ]

    Gen.oneof [
        pieces
        |> Gen.listOf
        |> Gen.map (List.truncate 6 >> List.map string >> String.concat "")
        ArbMap.defaults |> ArbMap.generate<NonEmptyString> |> Gen.map _.Get
    ]

let private target = {
    LocalTarget.Name = Some(Result.defaultWith (fun _ -> failtest "a name") (TargetName.create "archive-1"))
    CellId = Result.defaultWith (fun _ -> failtest "a cell") (CellId.create "cell-7")
    Root = "/var/export"
    Overwrite = false
    ReadBack = true
    Md5 = false
    MaxBytes = Some 10L
}

let private plan =
    match ArtifactName.create "report.json" |> Result.bind (LocalPlan.create target) with
    | Ok plan -> plan
    | Error refusal -> failtest refusal.Message

let private kinds = [
    FolderFaultKind.Source FaultKind.SourceNotFound, FailureKind.SourceNotFound
    FolderFaultKind.Source FaultKind.SourceNotAFile, FailureKind.SourceNotAFile
    FolderFaultKind.Source FaultKind.SourceAccessDenied, FailureKind.SourceAccessDenied
    FolderFaultKind.Source FaultKind.SourceUnreadable, FailureKind.SourceUnreadable
    FolderFaultKind.Source FaultKind.SourceChanged, FailureKind.SourceChanged
    FolderFaultKind.Source FaultKind.LocalFault, FailureKind.LocalFault
    FolderFaultKind.SourceTooLarge, FailureKind.SourceTooLarge
    FolderFaultKind.OtherContent, FailureKind.AlreadyExists
    FolderFaultKind.Link, FailureKind.Refused
    FolderFaultKind.InTheWay, FailureKind.Refused
    FolderFaultKind.Denied, FailureKind.Refused
    FolderFaultKind.ReadOnly, FailureKind.Refused
    FolderFaultKind.Full, FailureKind.LocalFault
    FolderFaultKind.Quota, FailureKind.LocalFault
    FolderFaultKind.NameTooLong, FailureKind.Refused
    FolderFaultKind.Process, FailureKind.LocalFault
    FolderFaultKind.Damaged, FailureKind.IntegrityMismatch
    FolderFaultKind.Failed, FailureKind.LocalFault
]

let private failure mayBeStored kind =
    LocalFailure.create plan 11L (TimeSpan.FromSeconds 1.) {
        Kind = kind
        Detail = "/var/export/cell-7/report.json: No space left on device"
        MayBeStored = mayBeStored
    }

[<Tests>]
let tests =
    testList "local names" [
        propertyTimes
            2000
            "a name that is accepted is one file's in its folder, letter by letter"
            texts
            (fun text ->
                match nameOf text with
                | Error _ -> ()
                | Ok(_, file) ->
                    let name = LocalName.value file
                    Expect.equal name text "unchanged"
                    Expect.equal (Path.GetFileName name) name "one segment"

                    Expect.equal
                        (Path.GetFullPath(Path.Combine("/export/cell", name)))
                        ("/export/cell/" + name)
                        "in its folder"

                    Expect.isFalse
                        (name = ""
                         || name.StartsWith '~'
                         || name.Contains ".."
                         || name.IndexOfAny [| '/'; '\\'; '\000' |] >= 0)
                        "by the family's rules")

        propertyTimes 500 "a temporary file has no artifact's name, and its name fits" texts (fun text ->
            match nameOf text with
            | Error _ -> ()
            | Ok(_, file) ->
                let temporary = LocalName.temporary file
                Expect.isError (nameOf temporary) "no artifact has it"
                Expect.isTrue (temporary.Length < 100) "short"
                Expect.equal temporary (LocalName.temporary file) "the same each time")

        table
            "names that are rejected"
            [
                ""
                "/a"
                "a/b"
                "a\\b"
                "a\000b"
                "a..b"
                ".."
                "."
                "~"
                "~a"
                ".cellos-export-x"
                ".CELLOS-EXPORT-x"
            ]
            (fun name -> (nameOf name).IsError)
            (fun _ -> true)

        table
            "names that are accepted"
            [ "a"; "report.json"; "a b"; ".hidden"; "a~"; "ä"; "C:"; "a.b.c"; "-rf" ]
            (fun name -> (nameOf name).IsOk)
            (fun _ -> true)

        test "a name with '/' is rejected with a message that names the sink" {
            match nameOf "logs/stdout.txt" with
            | Ok _ -> failtest "accepted"
            | Error refusal ->
                Expect.stringContains refusal.Message "the local sink" "the sink"
                Expect.stringContains refusal.Message "'logs/stdout.txt'" "the name"
        }

        test "the destination is an absolute path below root and cell" {
            Expect.equal plan.Destination "/var/export/cell-7/report.json" ""
        }

        table "each fault has its kind of failure" kinds (fst >> failure false >> _.Kind) snd

        test "each message says what to do, at most 45 words, and never speaks of S3" {
            for kind, _ in kinds do
                for mayBeStored in [ false; true ] do
                    let failure = failure mayBeStored kind

                    Expect.stringContains
                        failure.Message
                        "/var/export/cell-7/report.json"
                        $"%A{kind}: the place"

                    Expect.isLessThan
                        (failure.Message.Split ' ').Length
                        60
                        $"%A{kind}: short: {failure.Message}"

                    for word in [ "S3"; "bucket"; "URL"; "presign"; "server" ] do
                        Expect.isFalse
                            (failure.Message.Replace("CELLOS_EXPORT", "").Contains word)
                            $"%A{kind}: {word} in {failure.Message}"
        }

        table
            "errors of the system"
            [
                1, FolderFaultKind.Denied
                13, FolderFaultKind.Denied
                12, FolderFaultKind.Process
                24, FolderFaultKind.Process
                28, FolderFaultKind.Full
                30, FolderFaultKind.ReadOnly
                36, FolderFaultKind.NameTooLong
                40, FolderFaultKind.Link
                122, FolderFaultKind.Quota
                5, FolderFaultKind.Failed
                -2146232800, FolderFaultKind.Failed
            ]
            (fun (error, _) -> (LocalFailure.faultOfErrno error "words").Kind)
            snd
    ]
