module CellOS.Export.S3.Core.Tests.DigestPolicyTests

open Expecto
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config

let private sha256 = DigestAlgorithm.Sha256
let private md5 = DigestAlgorithm.Md5
let private nvme = DigestAlgorithm.Crc64Nvme
let private xz = DigestAlgorithm.Crc64Xz
let private crc32C = DigestAlgorithm.Crc32C
let private sha1 = DigestAlgorithm.Sha1
let private verify = IntegrityMode.Verify
let private off = IntegrityMode.Off

let private algorithms = Gen.subListOf DigestAlgorithm.all

[<Tests>]
let tests =
    testList "The digests of a sending pass" [
        table
            "depend on the mode, on what the host reported last, and on what is known"
            [
                (verify, None, []), [ md5; nvme ]
                (IntegrityMode.Require, None, []), [ md5; nvme ]
                (verify, Some [], []), [ md5; nvme ]
                (verify, Some [ nvme ], []), [ nvme ]
                (IntegrityMode.Require, Some [ nvme ], []), [ nvme ]
                (verify, Some [ nvme; md5 ], []), [ nvme ]
                (verify, Some [ nvme ], [ md5 ]), [ md5; nvme ]
                (verify, Some [ md5; crc32C ], []), [ md5; nvme; crc32C ]
                (verify, Some [ md5; xz ], []), [ md5; nvme; xz ]
                (verify, Some [ sha256 ], []), [ md5; nvme ]
                (verify, Some [ nvme; sha1 ], [ sha256 ]), [ nvme; sha1 ]
                (off, None, []), []
                (off, Some [ nvme; xz ], []), []
                (off, None, [ md5; sha256 ]), [ md5 ]
            ]
            (fun ((mode, reported, known), _) ->
                DigestPolicy.sending mode (reported |> Option.map Set.ofList) known)
            snd

        property
            "are one of each algorithm, and what is known is always among them"
            (Gen.zip3
                (Gen.elements [ off; verify; IntegrityMode.Require ])
                (Gen.optionOf algorithms)
                algorithms)
            (fun (mode, reported, known) ->
                let sending = DigestPolicy.sending mode (reported |> Option.map Set.ofList) known

                Expect.equal sending (List.sort (List.distinct sending)) "in order"
                Expect.isFalse (List.contains sha256 sending) "SHA-256 is taken in any case"

                for algorithm in known do
                    Expect.isTrue (algorithm.IsSha256 || List.contains algorithm sending) $"{algorithm}"

                if not mode.IsOff then
                    Expect.isTrue (List.contains nvme sending) "CRC-64/NVME"

                    Expect.equal
                        (List.contains md5 sending)
                        (List.contains md5 known || not (reported |> Option.exists (List.contains nvme)))
                        "MD5 unless the host confirms by CRC-64/NVME")
    ]
