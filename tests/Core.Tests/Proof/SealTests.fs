module CellOS.Export.S3.Core.Tests.SealTests

open System
open System.Security.Cryptography
open System.Text
open System.Text.Json
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config

let private octets most =
    gen {
        let! length = Gen.choose (0, most)
        return! Gen.arrayOfLength length (Gen.choose (0, 255) |> Gen.map byte)
    }

let private envelopes =
    gen {
        let! payload = octets 300
        let! signature = octets 72
        let! key = octets 32

        return {
            Payload = payload
            KeyId = Convert.ToHexStringLower(SHA256.HashData key)
            Signature = signature
        }
    }

/// A line and a change of it: a byte set, removed or put in.
let private changes =
    gen {
        let! envelope = envelopes
        let line = Seal.line envelope
        let! at = Gen.choose (0, line.Length - 1)
        let! value = Gen.choose (0, 255) |> Gen.map byte

        let! changed =
            Gen.elements [
                Array.updateAt at (if line[at] = value then value ^^^ 1uy else value) line
                Array.removeAt at line
                Array.insertAt at value line
            ]

        return envelope, changed
    }

let private parse (line: byte[]) = Seal.parse (ReadOnlyMemory line)

[<Tests>]
let tests =
    testList "Seal" [
        testCase "encodes the test vector of the DSSE specification" (fun () ->
            let encoded =
                Seal.preAuthenticationEncoding
                    "http://example.com/HelloWorld"
                    (ReadOnlyMemory(Encoding.UTF8.GetBytes "hello world"))

            Expect.equal
                (Encoding.UTF8.GetString encoded)
                "DSSEv1 29 http://example.com/HelloWorld 11 hello world"
                "to the letter")

        testCase "counts the bytes of a type and a payload, not the characters" (fun () ->
            let encoded =
                Seal.preAuthenticationEncoding "é" (ReadOnlyMemory(Encoding.UTF8.GetBytes "汉"))

            Expect.equal (Encoding.UTF8.GetString encoded) "DSSEv1 2 é 3 汉" "UTF-8")

        testCase "writes this line" (fun () ->
            let envelope = {
                Payload = Encoding.UTF8.GetBytes "{}"
                KeyId = String('a', 64)
                Signature = [| 251uy; 255uy |]
            }

            Expect.equal
                (Encoding.ASCII.GetString(Seal.line envelope))
                $"""{{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{{"keyid":"{String('a', 64)}","sig":"+/8="}}]}}"""
                "to the letter")

        property "writes JSON that any reader understands" envelopes (fun envelope ->
            use document = JsonDocument.Parse(ReadOnlyMemory<byte>(Seal.line envelope))
            let signature = document.RootElement.GetProperty("signatures")[0]

            let sent =
                document.RootElement.GetProperty("payload").GetBytesFromBase64(),
                signature.GetProperty("keyid").GetString(),
                signature.GetProperty("sig").GetBytesFromBase64()

            Expect.equal sent (envelope.Payload, envelope.KeyId, envelope.Signature) "the same values")

        propertyTimes 1000 "reads back what it writes" envelopes (fun envelope ->
            Expect.equal (parse (Seal.line envelope)) (Ok envelope) "the envelope")

        propertyTimes
            10_000
            "never reads the same envelope from a changed line"
            changes
            (fun (envelope, changed) ->
                match parse changed with
                | Error _ -> ()
                | Ok other ->
                    Expect.notEqual other envelope "another envelope"
                    Expect.equal (Seal.line other) changed "whose line this is")

        propertyTimes 1000 "rejects any other bytes without an exception" (octets 400) (fun bytes ->
            Expect.isError (parse bytes) "not a seal")

        table
            "rejects other forms of the same envelope"
            [
                "{ \"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"K\",\"sig\":\"AA==\"}]}"
                "{\"payload\":\"e30\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"K\",\"sig\":\"AA==\"}]}"
                "{\"payload\":\"e3 0=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"K\",\"sig\":\"AA==\"}]}"
                "{\"payload\":\"e31=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"K\",\"sig\":\"AA==\"}]}"
                "{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"K\",\"sig\":\"AB==\"}]}"
                "{\"payload\":\"e30=\",\"payloadType\":\"text/plain\",\"signatures\":[{\"keyid\":\"K\",\"sig\":\"AA==\"}]}"
                "{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"k\",\"sig\":\"AA==\"}]}"
                "{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"keyid\":\"K\",\"sig\":\"AA==\"}]}\r"
            ]
            (fun form ->
                let line =
                    form
                        .Replace("\"K\"", $"\"{String('a', 64)}\"")
                        .Replace("\"k\"", $"\"{String('A', 64)}\"")

                (parse (Encoding.UTF8.GetBytes line)).IsError)
            (fun _ -> true)
    ]
