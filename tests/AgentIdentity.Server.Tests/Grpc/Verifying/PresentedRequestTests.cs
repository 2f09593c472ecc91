using AgentIdentity.Server.Grpc.Verifying;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Tests.Grpc.Verifying;

public sealed class PresentedRequestTests
{
    private static readonly string[] ReadAsBytes = ["credential", "proof"];

    [Fact]
    public void It_is_the_public_message_field_for_field_but_for_two_texts_that_stay_bytes()
    {
        static string Told(FieldDescriptor field) =>
            $"{field.FieldNumber} {field.Name} {(field.IsRepeated ? "repeated " : "")}{(ReadAsBytes.Contains(field.Name) ? "letters" : field.FieldType.ToString())} {(field.FieldType == FieldType.Message ? field.MessageType.FullName : "")}";

        Assert.Equal(Wire.VerifyRequest.Descriptor.Fields.InDeclarationOrder().Select(Told), PresentedRequest.Descriptor.Fields.InDeclarationOrder().Select(Told));
        Assert.All(ReadAsBytes, name => Assert.Equal((FieldType.String, FieldType.Bytes), (Wire.VerifyRequest.Descriptor.FindFieldByName(name).FieldType, PresentedRequest.Descriptor.FindFieldByName(name).FieldType)));
    }

    [Fact]
    public void What_a_client_sends_is_read_letter_for_letter()
    {
        var sent = new Wire.VerifyRequest
        {
            Credential = "eyJ.a.b",
            Proof = "eyJ.c.d",
            Method = "POST",
            Url = "https://tool.example/x",
            Nonce = "n1",
            Audience = "https://tool.example",
            Action = new Wire.Action { Type = "notes", Action_ = "read", Location = "notes/1" },
            MinEpoch = 7,
            Spend = { new Wire.Budget { Unit = "eur", Amount = 3 } },
            CertificateSha256 = ByteString.CopyFrom(new byte[32]),
        };
        var read = PresentedRequest.Parser.ParseFrom(sent.ToByteArray());
        Assert.Equal(sent.ToByteArray(), read.ToByteArray());
        Assert.Equal((sent.Credential, sent.Proof), (read.Credential.ToStringUtf8(), read.Proof.ToStringUtf8()));
    }
}
