/// Stories of checksums: which are taken before sending, sent, compared, and learnt of a host.
module CellOS.Export.S3.Core.Tests.ChecksumStories

open System
open System.Collections.Generic
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Stories

let private sha256Of = DigestAlgorithm.Sha256
let private md5Of = DigestAlgorithm.Md5
let private nvme = DigestAlgorithm.Crc64Nvme
let private crc32 = DigestAlgorithm.Crc32
let private crc32C = DigestAlgorithm.Crc32C

let private signing (headers: string) =
    (v4 3600).Replace("=host", $"=host%%3B{headers}")

let private fixing (parameter: string) = v4 3600 + "&" + parameter

let private our (algorithm: DigestAlgorithm) = (digestsOf [ algorithm ]).Head

let private other (algorithm: DigestAlgorithm) =
    Outcomes.otherDigests |> List.find (fun digest -> digest.Algorithm = algorithm)

let private taken (time: int) (algorithms: DigestAlgorithm list) =
    Input.DigestsTaken(at time, digestsOf algorithms)

/// A success of a store that sent these headers, after a pass that took these digests.
let private success (taken: DigestAlgorithm list) (headers: (string * string) list) =
    let headers = ("x-amz-request-id", "R1") :: headers

    Reply.read
        200
        [ for name, value in headers -> KeyValuePair(name, value) ]
        ReadOnlyMemory.Empty
        BodyEnd.Whole
        (Some(sentWith taken))

let private reporting (digest: Digest) =
    $"x-amz-checksum-{digest.Algorithm.Name}", digest.Base64

let private headers (turns: Turn list) =
    puts turns
    |> List.last
    |> fun (_, put) ->
        put.Headers
        |> List.map (fun header -> $"{header.Name}: {RequestHeader.reveal header}")

/// The turns of a push of a sink that knows what the pushes before it have learnt.
let private pushAfter (hosts: KnownHosts) (inputs: Input list) =
    ((Push.createKnowing hosts (given same), []), inputs)
    ||> List.fold (fun (state, outputs) input ->
        let struct (state, output) = Push.step state input
        state, output :: outputs)
    |> fun (state, outputs) -> state, outputs.Head

let private digestsAsked (hosts: KnownHosts) =
    match pushAfter hosts [ started ] with
    | _, Output.Put put -> put.Digests
    | _, output -> failtestf "no put: %A" output

let private learnt (hosts: KnownHosts) (reply: Reply) =
    let state, _ = pushAfter hosts [ started; attempted 9 reply ]
    Push.hosts state

let private byNvme = success [ nvme ] [ reporting (our nvme) ]

[<Tests>]
let tests =
    testList "Checksums" [
        story
            "that a URL signs is taken before anything is sent"
            (plan (Some(signing "x-amz-checksum-sha256")) same)
            [ started; taken 5 [ sha256Of ]; attempted 9 stored ] [ "sha256"; "put 1"; "done etag-md5" ] []

        for algorithm in [ sha256Of; nvme; crc32C; crc32; DigestAlgorithm.Sha1 ] do
            testCase $"a URL that signs the {algorithm.Title} gets that header" (fun () ->
                let name = $"x-amz-checksum-{algorithm.Name}"

                let turns = feed (plan (Some(signing name)) same) [ started; taken 5 [ algorithm ] ]

                Expect.sequenceEqual (headers turns) [ $"{name}: {(our algorithm).Base64}" ] "computed")

        testCase "all that a URL signs is taken in one pass" (fun () ->
            let turns =
                feed (plan (Some(signing "content-md5%3Bx-amz-checksum-crc32%3Bx-amz-checksum-sha256")) same) [
                    started
                    taken 5 [ sha256Of; md5Of; crc32 ]
                ]

            Expect.sequenceEqual
                (turns |> List.map (fun turn -> word turn.Output))
                [ "sha256+md5+crc32"; "put 1" ]
                "one pass"

            Expect.sequenceEqual
                (headers turns)
                [
                    $"x-amz-checksum-sha256: {(our sha256Of).Base64}"
                    $"Content-MD5: {(our md5Of).Base64}"
                    $"x-amz-checksum-crc32: {(our crc32).Base64}"
                ]
                "all of them")

        testCase "the name of the algorithm goes along where it is signed" (fun () ->
            let turns =
                feed (plan (Some(signing "x-amz-checksum-crc32c%3Bx-amz-sdk-checksum-algorithm")) same) [
                    started
                    taken 5 [ crc32C ]
                ]

            Expect.contains (headers turns) "x-amz-sdk-checksum-algorithm: CRC32C" "Amazon S3 API Reference")

        story
            "of a name that is signed without a checksum cannot be known"
            (plan (Some(signing "x-amz-sdk-checksum-algorithm")) same)
            [ started ] [ "UrlUnusable" ] [ "'x-amz-sdk-checksum-algorithm'" ]

        story
            "that is signed with another value is reported, with the file's own"
            (plan (Some(signing "x-amz-checksum-sha256")) same)
            [
                started
                taken 5 [ sha256Of ]
                attempted 9 (error 403 "SignatureDoesNotMatch" "no")
            ] [ "sha256"; "put 1"; "Refused" ] [
                "The signature covers a digest"
                $"x-amz-checksum-sha256 of this file is {(our sha256Of).Base64}"
            ]

        story
            "of a file that changes after it was taken"
            (plan (Some(signing "x-amz-checksum-crc32")) same)
            [ started; Input.DigestsTaken(at 5, [ other crc32 ]); attempted 9 stored ] [
                "crc32"
                "put 1"
                "SourceChanged"
            ] [ "changed after its CRC-32 had been taken" ]

        story
            "that the query fixes of this content lets it be sent"
            (plan (Some(fixing $"x-amz-checksum-crc32={Uri.EscapeDataString (our crc32).Base64}")) same)
            [ started; taken 5 [ crc32 ]; attempted 9 stored ] [ "crc32"; "put 1"; "done etag-md5" ] []

        story
            "that the query fixes of other content is reported before anything is sent"
            (plan (Some(fixing $"x-amz-checksum-crc32={Uri.EscapeDataString (other crc32).Base64}")) same)
            [ started; taken 5 [ crc32 ] ] [ "crc32"; "UrlUnusable" ] [
                "the URL is for other content"
                "'x-amz-checksum-crc32'"
                (other crc32).Base64
                (our crc32).Base64
                "Nothing was sent."
            ]

        story
            "of an empty file in the query is left to the store, since Amazon ignores it"
            (plan (Some(fixing "x-amz-checksum-crc32=AAAAAA%3D%3D")) same)
            [ started; attempted 9 stored ] [ "put 1"; "done etag-md5" ] []

        story
            "that the response reports and that was not taken is taken then"
            (given same)
            [
                started
                attempted 9 (success [ md5Of; nvme ] [ reporting (our crc32C) ])
                taken 20 [ sha256Of; crc32C ]
            ] [ "put 1"; "sha256+crc32c"; "done checksum-crc32c" ] []

        story
            "that the response reports of other bytes ends the push, whenever it is taken"
            (given (retrying 1 0 0))
            [
                started
                attempted 9 (success [ md5Of; nvme ] [ reporting (other crc32C); "ETag", md5 ])
                taken 20 [ sha256Of; crc32C ]
            ] [ "put 1"; "sha256+crc32c"; "IntegrityMismatch" ] [
                $"x-amz-checksum-crc32c is {(other crc32C).Base64}"
                $"the CRC-32C of what was sent is {(our crc32C).Base64}"
                "may be stored"
            ]

        story
            "of a file that changed after it was sent cannot be compared"
            (given same)
            [
                started
                attempted 9 (success [ md5Of; nvme ] [ reporting (our crc32C) ])
                Input.DigestsTaken(at 20, [ other sha256Of; other crc32C ])
            ] [ "put 1"; "sha256+crc32c"; "SourceChanged" ] [ "changed after it was sent"; "may be stored" ]

        story
            "are not compared past the deadline"
            (given (within 5000))
            [
                started
                attempted 9 (success [ md5Of; nvme ] [ reporting (our crc32C) ])
                woke 20
                woke 5000
            ] [
                "put 1"
                "sha256+crc32c until 5000"
                "sha256+crc32c until 5000"
                "DeadlineExceeded"
            ] []

        story
            "that were not taken are not compared at the deadline"
            (given (within 5000))
            [ started; attempted 5000 (success [ md5Of; nvme ] [ reporting (our crc32C) ]) ] [
                "put 1"
                "DeadlineExceeded"
            ] [ "may be stored" ]

        story
            "of a file that cannot be read again cannot be compared"
            (given same)
            [
                started
                attempted 9 (success [ md5Of; nvme ] [ reporting (our crc32C) ])
                Input.NoSource(at 20, Fault.Create(FaultKind.SourceUnreadable, "input/output error", 0L))
            ] [ "put 1"; "sha256+crc32c"; "SourceUnreadable" ] [ "may be stored" ]

        testCase "a receipt has the checksums that the store reported" (fun () ->
            let turns =
                feed (given same) [
                    started
                    attempted 9 (success [ md5Of; nvme ] [ reporting (our nvme); "ETag", md5 ])
                ]

            let receipt = receipt turns
            Expect.equal receipt.Checksums (Map.ofList [ "crc64nvme", (our nvme).Base64 ]) "those of headers"
            Expect.equal receipt.Integrity "etag-md5" "the strongest")

        testCase
            "MD5 is not taken of files for a host that confirms by CRC-64/NVME, and again once it does not"
            (fun () ->
                let first = digestsAsked KnownHosts.none
                let confirming = learnt KnownHosts.none (success first [ reporting (our nvme) ])
                let second = digestsAsked confirming
                let silent = learnt confirming (success second [ "ETag", "\"no MD5\"" ])

                Expect.equal first [ md5Of; nvme ] "of an unknown host"
                Expect.equal second [ nvme ] "of one that confirms"
                Expect.equal (digestsAsked silent) [ md5Of; nvme ] "of one that has stopped")

        testCase "the push that finds out that a host has stopped confirming takes the MD5 then" (fun () ->
            let confirming = learnt KnownHosts.none byNvme

            let _, output =
                pushAfter confirming [ started; attempted 9 (success [ nvme ] [ "ETag", $"\"{md5}\"" ]) ]

            Expect.equal (word output) "sha256+md5" "before there is a receipt"

            let _, output =
                pushAfter confirming [
                    started
                    attempted 9 (success [ nvme ] [ "ETag", $"\"{md5}\"" ])
                    taken 20 [ sha256Of; md5Of ]
                ]

            Expect.equal (word output) "done etag-md5" "as strong as ever")

        testCase "a digest that a host reported is taken in the pass that sends, the next time" (fun () ->
            let hosts =
                learnt
                    KnownHosts.none
                    (success [ md5Of; nvme ] [ "x-goog-hash", $"crc32c={(our crc32C).Base64}" ])

            Expect.equal (digestsAsked hosts) [ md5Of; nvme; crc32C ] "with those that are always taken")
    ]
