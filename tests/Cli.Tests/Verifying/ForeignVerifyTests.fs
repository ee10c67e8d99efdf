/// Seals and envelopes against programs that know nothing of this library: securesystemslib of Python, and Sigstore's own
/// packages for Node.js.
module Cli.Tests.ForeignVerifyTests

open System
open System.IO
open System.Text.Json
open Expecto
open Cli.Tests.Support
open Cli.Tests.VerifyScene

/// The Python of the distribution, which has the distribution's modules.
let private python =
    if File.Exists "/usr/bin/python3" then "/usr/bin/python3" else "python3"

let private requireSecureSystemsLib () =
    task {
        if not (File.Exists python || has python) then
            skiptest "Python is missing; install python3-securesystemslib"

        use child =
            new Child(python, [ "-c"; "import securesystemslib.keys, cryptography" ], [])

        let! struct (code, _, _) = child.End()

        if code <> 0 then
            skiptest "securesystemslib is missing; install python3-securesystemslib"
    }

let private run (script: string) (arguments: string list) =
    task {
        use child = new Child(python, [ "-c"; script ] @ arguments, [])
        let! struct (code, output, error) = child.End()
        Expect.equal code 0 error
        return output
    }

/// Verifies each line of a file of seals with a public key. The bytes that are signed are made by the words of DSSE v1.0.0.
let private verifySeals =
    """
import base64, json, sys
from securesystemslib.keys import import_ecdsakey_from_public_pem, verify_signature

def pae(kind, body):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(body), body)

key = import_ecdsakey_from_public_pem(open(sys.argv[2]).read())
for line in open(sys.argv[1]):
    envelope = json.loads(line)
    body = base64.b64decode(envelope["payload"], validate=True)
    signature = base64.b64decode(envelope["signatures"][0]["sig"], validate=True)
    for content in (body, body + b" "):
        print(verify_signature(key, {"keyid": key["keyid"], "sig": signature.hex()}, pae(envelope["payloadType"], content)))
"""

/// Makes a key, signs the payload of a file, and writes an envelope and the public key.
let private sign =
    """
import base64, json, sys
from securesystemslib.keys import generate_ecdsa_key, create_signature

def pae(kind, body):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(body), body)

body = open(sys.argv[1], "rb").read()
kind = "application/vnd.in-toto+json"
key = generate_ecdsa_key()
signature = create_signature(key, pae(kind, body))
envelope = {
    "signatures": [{"keyid": signature["keyid"], "sig": base64.b64encode(bytes.fromhex(signature["sig"])).decode()}],
    "payloadType": kind,
    "payload": base64.b64encode(body).decode(),
}
json.dump(envelope, open(sys.argv[2], "w"), indent=2)
open(sys.argv[3], "w").write(key["keyval"]["public"])
"""

/// The packages of Sigstore, where `.ci/run` installs them.
let private sigstore = Path.Combine(root, "obj", "sigstore", "node_modules")

let private requireSigstore () =
    if not (has "node" && Directory.Exists(Path.Join(sigstore, "@sigstore", "verify"))) then
        skiptest
            "Sigstore's packages are missing; run npm install --prefix obj/sigstore @sigstore/verify@3.1.1 @sigstore/bundle@4.0.0"

/// Verifies each line of a file of seals as a Sigstore bundle with a public key, as it is and with a payload that was changed.
let private verifyBundles =
    """
const { readFileSync } = require('fs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { crypto } = require('@sigstore/core');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');
const [seals, pem] = process.argv.slice(1);
const key = { publicKey: crypto.createPublicKey(readFileSync(pem, 'utf8')), validFor: () => true };
const none = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
const verifier = new Verifier(toTrustMaterial(none, () => key), { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
for (const line of readFileSync(seals, 'utf8').trimEnd().split('\n')) {
  const envelope = JSON.parse(line);
  const changed = Buffer.concat([Buffer.from(envelope.payload, 'base64'), Buffer.from(' ')]).toString('base64');
  for (const payload of [envelope.payload, changed]) {
    const bundle = bundleFromJSON({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: envelope.signatures[0].keyid }, tlogEntries: [] },
      dsseEnvelope: { ...envelope, payload },
    });
    try {
      verifier.verify(toSignedEntity(bundle));
      console.log('True');
    } catch (error) {
      if (error.code !== 'SIGNATURE_ERROR') throw error;
      console.log('False');
    }
  }
}
"""

[<Tests>]
let tests =
    testList "verify and other programs" [
        testCaseTask "securesystemslib verifies each seal, and no changed one" (fun () ->
            task {
                do! requireSecureSystemsLib ()
                let! given, _ = exported [ "a"; "b" ]
                use _ = given
                let! _ = given.Push([ "a"; "c" ], [])
                let! output = run verifySeals [ given.Seals; given.PublicKey ]

                Expect.equal
                    (output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                    [| "True"; "False"; "True"; "False" |]
                    "two lines"
            })

        testCaseTask "Sigstore's packages verify each seal, and no changed one" (fun () ->
            task {
                requireSigstore ()
                let! given, _ = exported [ "a"; "b" ]
                use _ = given
                let! _ = given.Push([ "a"; "c" ], [])

                use child =
                    new Child(
                        "node",
                        [ "-e"; verifyBundles; given.Seals; given.PublicKey ],
                        [ "NODE_PATH", sigstore ]
                    )

                let! struct (code, output, error) = child.End()
                Expect.equal code 0 error

                Expect.equal
                    (output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                    [| "True"; "False"; "True"; "False" |]
                    "two lines"
            })

        testCaseTask "verifies envelopes that securesystemslib signed, of runs and of artifacts" (fun () ->
            task {
                do! requireSecureSystemsLib ()
                let! given, _ = exported [ "a"; "b" ]
                use _ = given
                let root = JsonDocument.Parse(File.ReadAllText given.Seals).RootElement
                let payload = given.Folder.At "payload"
                File.WriteAllBytes(payload, root.GetProperty("payload").GetBytesFromBase64())
                let envelope, key = given.Folder.At "envelope.json", given.Folder.At "foreign.pem"
                let! _ = run sign [ payload; envelope; key ]

                let arguments = [
                    "--receipts"
                    given.Receipts
                    "--envelope"
                    envelope
                    "--key"
                    key
                    "--bundle"
                    given.Bundle
                ]

                let! code, output, error = verify arguments
                Expect.equal code 0 (output + error)
                Expect.stringContains output "sealed          2 of 2 receipts" "both"
                // The same content under another key than that of the envelope.
                let! code, output, _ = verify (arguments @ [ "--key"; given.PublicKey ])
                Expect.equal code 0 output
                let! code, output, _ = verify (List.updateAt 5 given.PublicKey arguments)
                Expect.equal code 1 output
                Expect.stringContains output "forged" "another key"
                let json = File.ReadAllText envelope
                let at = json.LastIndexOf "\"payload\": \"" + 60

                File.WriteAllText(
                    envelope,
                    json.Remove(at, 1).Insert(at, (if json[at] = 'A' then "B" else "A"))
                )

                let! code, output, _ = verify arguments
                Expect.equal code 1 output
                Expect.stringContains output "forged" "another content"
            })
    ]
