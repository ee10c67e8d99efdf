namespace CellOS.Export.S3.Generators

open System
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core

/// Names that the core accepts, however odd, and such as it refuses.
[<RequireQualifiedAccess>]
module Names =

    /// The identity of a cell: one segment.
    let cellId: Gen<CellId> = Texts.segment |> Gen.map (CellId.create >> Made.ok)

    /// The text of an artifact's name: one to four segments, joined by `/`.
    let artifactText: Gen<string> =
        gen {
            let! depth = Gen.choose (1, 4)
            let! segments = Gen.listOfLength depth Texts.segment
            return String.Join('/', segments)
        }
        |> Gen.filter (fun text -> not (Redaction.looksLikeUrl text) && (ArtifactName.create text).IsOk)

    /// The name of an artifact.
    let artifactName: Gen<ArtifactName> =
        artifactText |> Gen.map (ArtifactName.create >> Made.ok)

    /// The name of an export target.
    let targetName: Gen<TargetName> =
        let rest = [ 'a' .. 'z' ] @ [ 'A' .. 'Z' ] @ [ '0' .. '9' ] @ [ '.'; '_'; '-' ]

        let made =
            gen {
                let! first = Texts.alphanumeric 1 1
                let! length = Gen.frequency [ 4, Gen.choose (0, 12); 1, Gen.constant 127 ]
                let! characters = Gen.arrayOfLength length (Gen.elements rest)
                let name = first + String characters
                // Two dots in a row are not allowed.
                return name.Replace("..", "._", StringComparison.Ordinal)
            }

        Gen.frequency [ 1, Gen.elements [ "artifact-bucket"; "a"; "9_lives.x" ]; 2, made ]
        |> Gen.map (TargetName.create >> Made.ok)

    /// The name of a bucket: such as AWS allows, and such as only other stores do.
    let bucket: Gen<Bucket> =
        let plain = Texts.alphanumeric 3 63 |> Gen.map (fun text -> text.ToLowerInvariant())

        Gen.frequency [
            3, Gen.elements [ "evidence"; "my.cellos-evidence"; "Üblich"; "a b" ]
            1, plain
        ]
        |> Gen.map (Bucket.create >> Made.ok)

    /// A key prefix: none, or up to three segments.
    let keyPrefix: Gen<KeyPrefix> =
        gen {
            let! depth = Gen.choose (0, 3)
            let! segments = Gen.listOfLength depth Texts.segment

            // Blanks around it are taken off, and may leave a segment of dots.
            let text = String.Join('/', segments)

            return
                match KeyPrefix.create text with
                | Ok prefix -> prefix
                | Error _ -> KeyPrefix.none
        }

    /// What is neither a cell id nor the name of an artifact: empty, null, dot segments, empty segments, control
    /// characters, backslashes, halves of surrogate pairs, segments that are too long.
    let hostile: Gen<string> =
        let within (part: Gen<string>) =
            gen {
                let! before = Texts.alphanumeric 0 5
                let! part = part
                let! after = Texts.alphanumeric 0 5
                return before + part + after
            }

        let around (part: string) =
            gen {
                let! segment = Texts.segment

                let! shape =
                    Gen.elements [ $"{segment}/{part}"; $"{part}/{segment}"; $"a/{part}/{segment}" ]

                return shape
            }

        Gen.frequency [
            1, Gen.constant (Unchecked.defaultof<string>)
            2, Gen.elements [ ""; "."; ".."; "/"; "//"; "../../etc/passwd"; "/etc/passwd"; "C:\\evidence" ]
            3, Gen.elements [ ""; "."; ".." ] |> Gen.bind around
            2, within (Gen.elements Texts.controls)
            1, within (Gen.elements Texts.halves)
            1, within (Gen.constant "\\")
            1, Gen.choose (256, 600) |> Gen.map (fun length -> String('a', length))
            1, Gen.choose (128, 300) |> Gen.map (fun length -> String('é', length))
        ]
