module CellOS.Export.S3.Core.Tests.ForeignSealTests

open System
open System.Text
open System.Text.Json
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators

let private parse (json: string) =
    Seal.parseForeign (ReadOnlyMemory(Encoding.UTF8.GetBytes json))

let private octets most =
    Gen.choose (0, most)
    |> Gen.bind (fun length -> Gen.arrayOfLength length (Gen.choose (0, 255) |> Gen.map byte))

/// The ways in which programs write Base64.
let private base64Forms: (string -> string) list = [
    id
    _.TrimEnd('=')
    _.Replace('+', '-').Replace('/', '_')
    _.TrimEnd('=').Replace('+', '-').Replace('/', '_')
    fun text ->
        text.Insert(
            text.Length / 2,
            "
  "
        )
]

/// The ways in which programs write an envelope.
let private envelopeForms: (string -> string -> string) list = [
    fun payload signatures ->
        $"{{\"payload\":\"{payload}\",\"payloadType\":\"{Seal.PayloadType}\",\"signatures\":[{signatures}]}}"
    // securesystemslib sorts nothing and indents.
    fun payload signatures ->
        $"{{\n \"signatures\": [ {signatures} ],\n \"payload\": \"{payload}\",\n \"payloadType\": \"{Seal.PayloadType}\",\n \"later\": 1\n}}\n"
    // A Sigstore bundle.
    fun payload signatures ->
        $"{{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"verificationMaterial\":{{}},\"dsseEnvelope\":{{\"payload\":\"{payload}\",\"payloadType\":\"{Seal.PayloadType}\",\"signatures\":[{signatures}]}}}}"
]

let private foreignSeals =
    gen {
        let! payload = octets 100

        let! signatures =
            Gen.choose (1, 3) |> Gen.bind (fun count -> Gen.listOfLength count (octets 72))

        let! keyId = Gen.elements [ None; Some ""; Some "SHA256:abc" ]
        let! base64 = Gen.elements base64Forms
        let! envelope = Gen.elements envelopeForms

        let text (bytes: byte[]) =
            JsonSerializer.Serialize(base64 (Convert.ToBase64String bytes)).Trim('"')

        let json =
            [
                for signature in signatures do
                    match keyId with
                    | Some id -> $"{{\"keyid\":\"{id}\",\"sig\":\"{text signature}\"}}"
                    | None -> $"{{\"sig\":\"{text signature}\",\"cert\":\"\"}}"
            ]
            |> String.concat ","

        return
            envelope (text payload) json,
            [
                for signature in signatures ->
                    {
                        Payload = payload
                        KeyId = Option.defaultValue "" keyId
                        Signature = signature
                    }
            ]
    }

[<Tests>]
let tests =
    testList "Seal.parseForeign" [
        propertyTimes 1000 "reads what other programs write" foreignSeals (fun (json, expected) ->
            Expect.equal (parse json) (Ok expected) "an envelope for each signature")

        testCase "reads our own lines" (fun () ->
            let envelope = {
                Payload = [| 1uy; 2uy |]
                KeyId = String('a', 64)
                Signature = [| 3uy |]
            }

            Expect.equal
                (Seal.parseForeign (ReadOnlyMemory(Seal.line envelope)))
                (Ok [ envelope ])
                "the envelope")

        table
            "rejects what is not an envelope of a statement"
            [
                ""
                "[]"
                "{}"
                """{"payload":"e30=","payloadType":"text/plain","signatures":[{"sig":"AA=="}]}"""
                """{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[]}"""
                """{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{}]}"""
                """{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":{}}"""
                """{"payload":"e","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}"""
                """{"payload":"e3*=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}"""
                """{"payload":7,"payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}"""
                """{"payload":"e30=","payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}"""
                """{"dsseEnvelope":[]}"""
            ]
            (fun json -> (parse json).IsError)
            (fun _ -> true)

        propertyTimes 500 "rejects any other text without an exception" anyText (fun text ->
            Expect.isError (parse text) "not an envelope")
    ]
