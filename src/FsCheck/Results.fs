namespace CellOS.Export.S3.Generators

open System
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core

/// What a push leaves behind: receipts, failures, and what is reported of them.
[<RequireQualifiedAccess>]
module Results =

    /// Times with any offset, to the tick, within 90 days of `Urls.noon`.
    let private times =
        gen {
            let! hours = Gen.choose (-12, 12)
            let! days = Gen.choose (0, 89)
            let! milliseconds = Gen.choose (0, 86_399_999)
            let! ticks = Gen.choose (0, 9_999)
            let since = TimeSpan(days, 0, 0, 0, milliseconds) + TimeSpan.FromTicks(int64 ticks)
            return (Urls.noon + since).ToOffset(TimeSpan.FromHours(float hours))
        }

    /// What a name may hold: no half of a surrogate pair, which JSON cannot carry.
    let private name = Gen.frequency [ 3, Texts.segment; 1, Names.artifactText ]

    let private hex (length: int) =
        Gen.arrayOfLength length (Gen.elements ([ '0' .. '9' ] @ [ 'a' .. 'f' ]))
        |> Gen.map String

    /// A receipt; of what a server may leave out, some is left out. Its texts are odd, and its times have any offset.
    let receipt: Gen<Receipt> =
        gen {
            let! cell = name
            let! artifact = name
            let! optional = Gen.listOfLength 7 (Gen.optionOf name)
            let! isChecked = Gen.elements [ true; true; false ]
            let! bytes = Gen.elements [ 0L; 1L; 5368709120L; Int64.MaxValue ]
            let! startedAt, completedAt = Gen.zip times times
            let! sha256 = hex 64
            let! md5 = Gen.optionOf (hex 32)
            let! checksums = Gen.subListOf Outcomes.digests
            let! attempts = Gen.choose (1, 9)
            let! integrity = Gen.elements Confirmation.all

            return {
                TargetKind = TargetKind.S3.Name
                TargetName = optional[0]
                Destination = $"s3://b/{cell}/{artifact}"
                BytesWritten = bytes
                CellId = cell
                ArtifactName = artifact
                Region = optional[1]
                ObjectUrl = optional[2]
                Sha256 = sha256
                Md5 = md5
                Checksums =
                    checksums
                    |> List.map (fun digest -> digest.Algorithm.Name, digest.Base64)
                    |> Map.ofList
                ETag = optional[3]
                VersionId = optional[4]
                RequestId = optional[5]
                HostId = optional[6]
                DestinationChecked = isChecked
                Integrity = integrity.Name
                Attempts = attempts
                StartedAt = min startedAt completedAt
                CompletedAt = max startedAt completedAt
            }
        }

    /// Whether all of it can be told in UTF-8, which has no half of a surrogate pair.
    let private isWhole (text: string) =
        text.EnumerateRunes() |> Seq.forall (fun rune -> rune.Value <> 0xfffd)

    let private text = Texts.any |> Gen.filter isWhole

    /// What is reported of a failure; of what may be unknown, some is. Its texts are hostile, as a caller that makes one by hand
    /// may write them.
    let report: Gen<FailureReport> =
        gen {
            let! optional = Gen.listOfLength 6 (Gen.optionOf text)
            let! mayBeStored = Gen.elements [ true; false ]
            let! spooled = Gen.elements [ false; false; true ]
            let! kind = Gen.elements [ "Refused"; "UrlExpired"; "TimedOut"; "Internal" ]
            let! message = text
            let! status = Gen.optionOf (Gen.choose (100, 599))
            let! attempts = Gen.choose (0, 9)

            return {
                CellId = optional[0]
                ArtifactName = optional[1]
                Destination = optional[2]
                Kind = kind
                Message = message
                Status = status
                Code = optional[3]
                RequestId = optional[4]
                HostId = optional[5]
                MayBeStored = mayBeStored
                TargetKind = None
                TargetName = None
                IsRedacted = false
                Attempts = attempts
                Spooled = spooled
            }
        }

    /// A failure that the machine itself came to: the end of a script.
    let failure: Gen<ExportFailure> =
        Scripts.any
        |> Gen.map (Play.steadily >> Play.ending)
        |> Gen.filter (fun ending -> ending |> Option.exists _.IsError)
        |> Gen.map (fun ending ->
            match ending with
            | Some(Error failure) -> failure
            | _ -> failwith "It was filtered.")
