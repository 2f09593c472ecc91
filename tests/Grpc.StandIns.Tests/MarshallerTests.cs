using System.Text;
using Grpc.Core;

namespace Grpc.StandIns.Tests;

public sealed class MarshallerTests
{
    [Fact]
    public void A_marshaller_over_arrays_serves_transports_that_ask_for_buffers()
    {
        var payload = new Payload("text"u8.ToArray());
        Marshallers.StringMarshaller.ContextualSerializer("naïve", payload);
        Assert.Equal("naïve", Encoding.UTF8.GetString(payload.Completed!));
        Assert.Equal("text", Marshallers.StringMarshaller.ContextualDeserializer(new Received("text"u8.ToArray())));
    }

    [Fact]
    public void A_marshaller_over_buffers_has_no_array_form()
    {
        var marshaller = Marshallers.Create<string>((_, context) => context.Complete([7]), context => $"{context.PayloadLength} bytes");
        var payload = new Payload([]);
        marshaller.ContextualSerializer("any", payload);
        Assert.Equal([7], payload.Completed!);
        Assert.Equal("3 bytes", marshaller.ContextualDeserializer(new Received([1, 2, 3])));
        Assert.Throws<NotImplementedException>(() => marshaller.Serializer("any"));
        Assert.Throws<NotImplementedException>(() => marshaller.Deserializer([]));
    }

    [Fact]
    public void A_marshaller_over_arrays_gives_its_functions_back()
    {
        Func<string, byte[]> serializer = Encoding.ASCII.GetBytes;
        Func<byte[], string> deserializer = Encoding.ASCII.GetString;
        var marshaller = Marshallers.Create(serializer, deserializer);
        Assert.Same(serializer, marshaller.Serializer);
        Assert.Same(deserializer, marshaller.Deserializer);
    }

    [Fact]
    public void A_transport_that_overrides_nothing_offers_nothing()
    {
        var bare = new Bare();
        bare.SetPayloadLength(1);
        Assert.Throws<NotImplementedException>(() => bare.Complete([]));
        Assert.Throws<NotImplementedException>(bare.Complete);
        Assert.Throws<NotImplementedException>(bare.GetBufferWriter);
        Assert.Throws<NotImplementedException>(() => new Received([]).PayloadAsReadOnlySequence());
    }

    [Fact]
    public void A_method_knows_its_path_and_its_marshallers()
    {
        var (request, response) = (Marshallers.StringMarshaller, Marshallers.Create(BitConverter.GetBytes, bytes => BitConverter.ToInt32(bytes)));
        var method = new Method<string, int>(MethodType.ServerStreaming, "package.Service", "Name", request, response);
        Assert.Equal("/package.Service/Name", method.FullName);
        Assert.Equal((MethodType.ServerStreaming, "package.Service", "Name"), (method.Type, method.ServiceName, method.Name));
        Assert.Same(request, method.RequestMarshaller);
        Assert.Same(response, method.ResponseMarshaller);
        Assert.Throws<ArgumentNullException>(() => new Method<string, int>(MethodType.Unary, "s", "n", null!, response));
    }

    private sealed class Payload(byte[] completed) : SerializationContext
    {
        public byte[]? Completed { get; private set; } = completed;

        public override void Complete(byte[] payload) => Completed = payload;
    }

    private sealed class Bare : SerializationContext;

    private sealed class Received(byte[] payload) : DeserializationContext
    {
        public override int PayloadLength => payload.Length;

        public override byte[] PayloadAsNewBuffer() => payload;
    }
}
